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
    drill.look(run, 3.0)
    assert (run.drill.marks, run.drill.seconds) == (None, [])


def test_marks_become_events_and_seconds(tmp_path: Path) -> None:
    run = runs.started("w", log=LatencyLog(str(tmp_path)))
    run.timeline.add(SAMPLE)
    (tmp_path / NAME).write_text(Marks("x", "a fault", 5.0, injected=4.0).text_of_file())
    drill.look(run, 3.0)
    (tmp_path / NAME).write_text("{")  # just being written
    drill.look(run, 4.0)
    assert [event.text for event in run.observed.events] == ["drill: a fault"]
    assert [(second.at_s, second.held, second.p99_ms) for second in run.drill.seconds] == [(3.0, 8, 2.5)] * 2
