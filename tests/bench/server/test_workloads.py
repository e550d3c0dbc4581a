from pathlib import Path

from bench.harness import compiled
from bench.server.contenders import SERVERS
from bench.server.row import ServerBench
from bench.server.workloads import ALL_100, ALL_900, FEW, closed, paced
from tests.support.bench_servers import QUICK, needs_gcc

WINDOW_S = 0.2


@needs_gcc
def test_closed_loop_gives_figures(tmp_path: Path) -> None:
    workload = closed(3, 10)
    found = workload.measure(ServerBench(compiled.program("server/load"), WINDOW_S), SERVERS[QUICK], tmp_path)
    assert found["us"] > 0
    assert found["messages"] > 0
    assert found["seconds"] >= WINDOW_S


@needs_gcc
def test_open_loop_gives_figures(tmp_path: Path) -> None:
    workload = paced(3, 10, 100)
    found = workload.measure(ServerBench(compiled.program("server/load"), WINDOW_S), SERVERS[QUICK], tmp_path)
    assert set(found) == {"p50_us", "p99_us", "p99_sent_us", "late_us", "busy", "stolen"}
    assert 0 < found["p50_us"] <= found["p99_us"]


def test_names_are_distinct() -> None:
    assert [workload.name for workload in (ALL_100, ALL_900, FEW)] == ["100 of 100", "900 of 900", "10 of 900"]
    assert paced(10, 900, 1000).name == "10 of 900 at 1000 a second"
    assert all(workload.contenders == tuple(SERVERS) and workload.repeat >= 3 for workload in (ALL_100, ALL_900, FEW))
