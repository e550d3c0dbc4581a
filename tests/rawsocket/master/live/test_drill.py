"""The master's view of a drill: the marks in its folder, and the seconds that it notes."""

from dataclasses import replace
from pathlib import Path

import pytest

from rawsocket.master.figures import document, late_in_drill
from rawsocket.master.live import drill
from rawsocket.master.run import Run
from rawsocket.master.timeline import Sample
from rawsocket.measurement.latency_log import LatencyLog
from rawsocket.verdict.drills.prediction import NAME, Marks
from tests.support import runs
from tests.support.reports import report

SAMPLE = Sample("", 3.0, 9, 8, None, 0.0, 0.0, 0.0, 1.0, 2.5)


def test_a_run_without_marks_notes_nothing(tmp_path: Path) -> None:
    run = runs.started("w", log=LatencyLog(str(tmp_path)))
    run.timeline.add(SAMPLE)
    drill.look(run)
    assert (run.drill.marks, run.drill.seconds) == (None, [])


def test_marks_become_events_and_seconds(tmp_path: Path) -> None:
    run = runs.started("w", log=LatencyLog(str(tmp_path)))
    run.started_wall_s = 100.0
    run.timeline.add(SAMPLE)
    (tmp_path / NAME).write_text(Marks("x", "a fault", 5.0, injected=102.5).text_of_file())
    drill.look(run)
    (tmp_path / NAME).write_text("{")  # just being written
    drill.look(run)
    assert [(event.at_s, event.text, event.label) for event in run.observed.events] == [
        (2.5, "drill: a fault", "fault")
    ]
    assert [(second.at_s, second.held, second.p99_ms) for second in run.drill.seconds] == [(3.0, 8, 2.5)] * 2


def _drilled(tmp_path: Path, until_s: int, busy: range, **marks: float) -> Run:
    """A run of so many seconds in which the worker's lag was 400 ms for the busy ones."""
    tmp_path.mkdir(exist_ok=True)
    run = runs.started("w", log=LatencyLog(str(tmp_path)), started_wall_s=100.0)
    (tmp_path / NAME).write_text(Marks("x", "a fault", 1.0, wanted=8, **marks).text_of_file())
    for at in range(1, until_s):
        lags = [[400_000, 100]] if at in busy else [[1000, 100]]
        run.receive("w", report(held=8, wall_s=at, cpu_s=0.1 * at, lag={"lags": lags, "worst_us": lags[0][0]}))
        run.timeline.add(replace(SAMPLE, elapsed_s=float(at)))
        drill.look(run)
    return run


@pytest.mark.parametrize(
    ("busy", "late"), [(range(1, 5), 0), (range(6, 8), 1), (range(9, 12), 1), (range(16, 20), 0)],
    ids=["before the fault", "in the fault", "in the recovery", "afterwards"],
)  # fmt: skip
def test_workers_that_are_late_from_the_fault_to_the_recovery(tmp_path: Path, busy: range, late: int) -> None:
    run = _drilled(tmp_path, 20, busy, injected=105.0, healed=107.5)
    found = late_in_drill(run)
    assert len(found) == late
    assert all("saturated on worker w" in why for why in found)


def test_drill_that_never_recovers_is_watched_to_its_end(tmp_path: Path) -> None:
    run = _drilled(tmp_path, 20, range(16, 20), injected=105.0)
    assert len(late_in_drill(run)) == 1
    assert late_in_drill(_drilled(tmp_path / "none", 3, range(3))) == []


def test_late_worker_makes_the_verdict_of_its_drill_unknown(tmp_path: Path) -> None:
    run = _drilled(tmp_path, 20, range(6, 8), injected=105.0, healed=107.5)
    assert document(run)["drill"]["outcome"] == "unknown"
