from pathlib import Path

import pytest

from bench.harness import compiled
from bench.harness.line import AIM, MET, MISSED
from bench.server.contenders import SERVERS
from bench.server.row import Bench
from bench.server.rows import idle
from tests.support.serving import QUICK, needs_gcc, records


@needs_gcc
def test_who_waits_in_select_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "HELD", 20)
    monkeypatch.setattr(idle, "WINDOW_S", 0.5)
    found = idle.EXPERIMENT.once(Bench(compiled.program("server/load"), None), SERVERS[QUICK], tmp_path)
    assert found["idle_pct"] < 2
    assert (found["messages"], found["seconds"] >= 0.5) == (0, True)


@pytest.mark.parametrize(("share", "outcome"), [(0.2, AIM), (0.21, MET), (2.1, MISSED)])
def test_what_must_be_reached(share: float, outcome: str) -> None:
    (line,) = idle.ROW.lines(records("idle", "idle_pct", share))
    assert line.outcome == outcome
