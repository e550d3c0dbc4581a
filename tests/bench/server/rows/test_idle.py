from pathlib import Path

import pytest

from bench.harness import compiled
from bench.results.line import AIM, MET, MISSED
from bench.server.contenders import SERVERS
from bench.server.row import ServerBench
from bench.server.rows import idle
from tests.support.bench_servers import QUICK, needs_gcc, records


@needs_gcc
def test_waiting_in_select_costs_no_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "HELD", 20)
    monkeypatch.setattr(idle, "WINDOW_S", 0.5)
    found = idle.EXPERIMENT.measure(ServerBench(compiled.program("server/load"), None), SERVERS[QUICK], tmp_path)
    assert found["idle_pct"] < 2
    assert (found["messages"], found["seconds"] >= 0.5) == (0, True)


@pytest.mark.parametrize(("share", "outcome"), [(0.2, AIM), (0.21, MET), (2.1, MISSED)])
def test_limit_and_aim(share: float, outcome: str) -> None:
    (line,) = idle.ROW.lines(records("idle", "idle_pct", share))
    assert line.outcome == outcome
