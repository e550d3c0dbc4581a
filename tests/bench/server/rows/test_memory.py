from pathlib import Path

import pytest

from bench.harness import compiled
from bench.harness.line import AIM, MET, MISSED
from bench.server.contenders import SERVERS
from bench.server.row import Bench
from bench.server.rows import memory
from tests.support.serving import QUICK, needs_gcc, records


@needs_gcc
def test_what_a_connection_weighs(tmp_path: Path) -> None:
    found = memory.EXPERIMENT.once(Bench(compiled.program("server/load"), None), SERVERS[QUICK], tmp_path)
    assert found["base_kb"] > 1000
    assert 50 < found["bytes"] < 10_000  # a socket object and a deque each; what it is exactly is not the question


@pytest.mark.parametrize(("size", "outcome"), [(400.0, AIM), (600.0, MET), (601.0, MISSED)])
def test_what_must_be_reached(size: float, outcome: str) -> None:
    (line,) = memory.ROW.lines(records("memory", "bytes", size, asyncio=2000.0))
    assert line.outcome == outcome
