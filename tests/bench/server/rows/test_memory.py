from pathlib import Path

import pytest

from bench.harness import compiled
from bench.results.line import AIM, MET, MISSED
from bench.server.contenders import SERVERS
from bench.server.row import ServerBench
from bench.server.rows import memory
from tests.support.bench_servers import QUICK, needs_gcc, records


@needs_gcc
def test_memory_of_a_connection(tmp_path: Path) -> None:
    found = memory.EXPERIMENT.measure(ServerBench(compiled.program("server/load"), None), SERVERS[QUICK], tmp_path)
    assert found["base_kb"] > 1000
    assert 50 < found["bytes"] < 10_000  # a socket object and a deque each; the exact size does not matter


@pytest.mark.parametrize(("size", "outcome"), [(400.0, AIM), (600.0, MET), (601.0, MISSED)])
def test_limit_and_aim(size: float, outcome: str) -> None:
    (line,) = memory.ROW.lines(records("memory", "bytes", size, asyncio=2000.0))
    assert line.outcome == outcome
