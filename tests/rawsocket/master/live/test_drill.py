"""The master's view of a drill: the marks in its folder, and the seconds that it notes."""

from pathlib import Path

from rawsocket.master.live import drill
from rawsocket.master.timeline import Sample
from rawsocket.measurement.latency_log import LatencyLog
from rawsocket.verdict.drills.prediction import NAME, Marks
from tests.support import runs

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
