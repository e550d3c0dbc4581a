"""Follows the drill of a run: reads the marks that the lab puts into its folder, and notes each second of it.

From the fault to the recovery it has the reports of the workers in a window of its own: see Run.drill_window.
"""

import math
from pathlib import Path

from rawsocket.master.run import Run
from rawsocket.master.steady_window import SteadyWindow
from rawsocket.verdict.drills.prediction import NAME, Marks
from rawsocket.verdict.drills.record import news
from rawsocket.verdict.drills.recovery import HELD_S, Second, recovered_at
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
    _move_window(run, record.marks, last.elapsed_s)


def _move_window(run: Run, marks: Marks, at_s: float) -> None:
    """Open the drill's window when the fault has come, and close it when the recovery has been held."""
    injected_s, healed_s = run.drill.times
    if injected_s is None or at_s < injected_s:
        return
    now = (run.started_at or 0.0) + at_s
    if run.drill_window is None:
        run.drill_window = SteadyWindow(now)
        run.drill_window.open({own.id: own.report for own in run.participants})
    if healed_s is None or run.drill_window.paused:
        return
    back = recovered_at(run.drill.seconds, healed_s, marks.wanted, marks.p99_ms)
    if back is not None and at_s >= back + HELD_S:
        run.drill_window.pause(now, math.inf)


def _read(folder: Path | None) -> Marks | None:
    if folder is None:
        return None
    try:
        return Marks.read((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):  # not there, or just being written
        return None
