from pathlib import Path
from typing import Any

import pytest

from bench.harness import compiled
from bench.results.line import MET, MISSED, REPORTED, UNKNOWN
from bench.results.record import Record
from bench.server.contenders import ServerSpec, ours
from bench.server.row import ServerBench
from bench.server.rows import accepts
from bench.server.rows.accepts import SUPERVISED
from tests.support.bench_servers import needs_gcc


def _trial(name: str, **values: Any) -> Record:
    usual = {
        "connections": 15_000,
        "accepts_s": 20_000.0,
        "us_each": 30.0,
        "acceptor_us": 10.0,
        "mb": 60.0,
        "stolen": 0.0,
    }
    return Record("accepts", name, 1, {**usual, **values})


@pytest.mark.alone
@needs_gcc
def test_small_rush_gives_figures(tmp_path: Path) -> None:
    server = ServerSpec(SUPERVISED, "two", ours("select", "--processes", "2", "--max-connections", "30"))
    found = accepts.EXPERIMENT.measure(ServerBench(compiled.program("server/load"), None, 30), server, tmp_path)
    assert found["spread"] == [15, 15]
    assert found["accepts_s"] > 0
    assert 0 < found["acceptor_us"] <= found["us_each"]
    assert found["mb"] > 10


def test_line_compares_the_supervisor_with_one_process() -> None:
    (section,) = accepts.ROW.sections([_trial("epoll", accepts_s=25_000.0), _trial(SUPERVISED, spread=[937, 938])])
    assert section.outcome == REPORTED
    assert section.table[-1][1:] == ["15,000", "20,000", "30.0 µs", "10.0 µs", "100,000 a second", "60.0 MB"]
    assert section.notes[0].endswith("a process of select x 16 holds 937 to 938 of them")
    assert section.notes[1].startswith("select x 16 accepts 0.80 times as many")


@pytest.mark.parametrize(("trials", "outcome"), [([80.0], MET), ([80.1], MISSED), ([], UNKNOWN)])
def test_memory_of_all_processes_is_judged(trials: list[float], outcome: str) -> None:
    (line,) = accepts.ROW.lines([_trial(SUPERVISED, mb=mb) for mb in trials])
    assert line.outcome == outcome


def test_line_without_the_supervisor_is_unknown() -> None:
    (section,) = accepts.ROW.sections([Record("accepts", SUPERVISED, 1, {}, "it died")])
    assert (section.outcome, section.notes) == (UNKNOWN, ["select x 16: it died"])


def test_figures_come_from_the_servers_metrics() -> None:
    text = '# HELP a\nholdfast_server_accepted_total 3.0\nholdfast_server_process_connections{process="1"} 2.0\n'
    assert accepts.figures(text) == {
        "holdfast_server_accepted_total": 3.0,
        'holdfast_server_process_connections{process="1"}': 2.0,
    }
