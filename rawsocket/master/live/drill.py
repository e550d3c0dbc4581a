"""Follows the drill of a run: reads the marks that the lab puts into its folder, and notes each second of it."""

from pathlib import Path

from rawsocket.master.run import Run
from rawsocket.verdict.drills.prediction import NAME, Marks
from rawsocket.verdict.drills.record import news
from rawsocket.verdict.drills.recovery import Second
from rawsocket.verdict.observed import DRILL


def look(run: Run) -> None:
    """Read the marks, and note the latest second if the run has a drill."""
    record, before = run.drill, run.drill.marks
    record.marks = _read(run.log.folder) or before
    if record.marks is None:
        return
    for wall_s, text, label in news(before, record.marks):
        run.observed.note(wall_s - run.started_wall_s, DRILL, text, label)
    last = run.timeline.samples[-1]
    tcp = run.totals().connections
    record.seconds.append(
        Second(
            at_s=last.elapsed_s,
            held=last.held,
            p99_ms=last.p99_ms,
            attempted=tcp.attempted,
            messages=run.totals().messages.delivered,
            dropped=dict(tcp.dropped),
            failed=dict(tcp.failed),
        )
    )


def _read(folder: Path | None) -> Marks | None:
    if folder is None:
        return None
    try:
        return Marks.read((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):  # not there, or just being written
        return None
