from pathlib import Path

import pytest

from bench.harness import compiled
from bench.results.line import REPORTED, UNKNOWN
from bench.results.record import Record
from bench.server.row import ServerBench
from bench.server.rows import curve
from bench.server.rows.curve import CONTENDERS, MANY, levels, reach
from tests.support.bench_servers import needs_gcc


@needs_gcc
def test_small_curve_gives_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "LEVELS", (20, 40))
    monkeypatch.setattr(curve, "WARM_S", 0.05)
    monkeypatch.setattr(curve, "RATE", 200)
    found = curve.EXPERIMENT.measure(ServerBench(compiled.program("server/load"), 0.2, 60), CONTENDERS[MANY], tmp_path)
    assert [point["held"] for point in found["points"]] == [20, 40, 60]
    assert all(point["us"] > 0 and point["mb"] > 10 and point["p99_us"] > 0 for point in found["points"])


def test_levels_of_held_connections() -> None:
    assert levels(15_000) == [100, 300, 900, 2000, 5000, 10_000, 15_000]
    assert levels(17_000)[-2:] == [15_000, 17_000]
    assert levels(50_000)[-3:] == [20_000, 30_000, 50_000]


def test_limits_of_one_process() -> None:
    assert [reach(name, 20_000) for name in ("select", "epoll", MANY)] == [1000, 19_900, float("inf")]


def _trial(name: str, **us: float) -> Record:
    points = [
        {"held": int(held[1:]), "us": value, "mb": 20.0, "bytes": 300.0, "p99_us": 500.0} for held, value in us.items()
    ]
    return Record("curve", name, 1, {"points": points, "stolen": 0.0})


def test_table_and_picture_show_medians() -> None:
    trials = [_trial("select", _100=8.0), _trial("select", _100=9.0), _trial("select", _100=30.0)]
    (section,) = curve.ROW.sections([*trials, _trial(MANY, _100=7.0, _15000=10.0)])
    assert section.outcome == REPORTED
    assert section.table[1] == ["100", "9.00 µs, 20.0 MB, 500 µs", "7.00 µs, 20.0 MB, 500 µs"]
    assert section.table[2] == ["15,000", "-", "10.0 µs, 20.0 MB, 500 µs"]
    assert section.notes[-1] == "at 15,000 held, select, N processes has grown by 300 B for each"
    assert "select, N processes: 300 B each" in section.picture


def test_a_curve_without_figures_is_unknown() -> None:
    (section,) = curve.ROW.sections([Record("curve", "select", 1, {}, "it died")])
    assert (section.outcome, section.notes) == (UNKNOWN, ["select: it died"])
