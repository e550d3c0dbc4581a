from pathlib import Path

import pytest

from bench.harness import compiled
from bench.results.line import MET, MISSED, UNKNOWN
from bench.results.record import Record
from bench.server.contenders import SERVERS
from bench.server.row import ServerBench
from bench.server.rows import slow
from tests.support.bench_servers import QUICK, needs_gcc, trial


@needs_gcc
def test_small_slow_reader_gives_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"OTHERS": 3, "RATE": 100, "WINDOW_S": 0.2, "TOTAL": 1_000_000, "EVERY_MS": 1}.items():
        monkeypatch.setattr(slow, name, value)
    found = slow.EXPERIMENT.measure(ServerBench(compiled.program("server/load"), None), SERVERS[QUICK], tmp_path)
    assert found["p99_sent_us"] > 0
    assert found["took_s"] > 0


def test_middle_run_is_compared_with_the_other_two() -> None:
    found = slow.compared(90.0, 150.0, 110.0)
    assert found == {"without_us": 100.0, "moved_pct": pytest.approx(50.0), "apart_pct": pytest.approx(20.0)}


def _trials(*pairs: tuple[float, float]) -> list[Record]:
    return [
        trial("slow reader", moved_pct=moved, apart_pct=apart, p99_sent_us=300.0, without_us=200.0, busy=0.5)
        for moved, apart in pairs
    ]


@pytest.mark.parametrize(
    ("pairs", "beyond", "outcome"),
    [
        ([(50.0, 30.0), (29.0, 10.0), (400.0, 31.0)], 20.0, MET),  # medians: 50 and 30
        ([(50.0, 29.0)], 21.0, MISSED),
        ([(-30.0, 10.0)], 0.0, MET),
        ([], None, UNKNOWN),
    ],
)
def test_line_judges_the_change_beyond_the_spread(
    pairs: list[tuple[float, float]], beyond: float | None, outcome: str
) -> None:
    (line,) = slow.ROW.lines(_trials(*pairs))
    assert (line.values["select"], line.outcome) == (beyond, outcome)


def test_line_has_bars_with_and_without_the_slow_reader() -> None:
    (line,) = slow.ROW.lines(_trials((50.0, 30.0)))
    assert line.bars == [("Holdfast select", 300.0, "p99 300 µs"), ("without it", 200.0, "p99 200 µs")]
    assert line.notes == [
        "p99 changes by +50 %, identical runs are 30 % apart (medians of 1); "
        "0.50 cores were busy beside the slow reader, with any process"
    ]
