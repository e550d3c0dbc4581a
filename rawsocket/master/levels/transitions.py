"""The moments of a level: it begins, it is held, it ends. They move the run's own steady window along."""

import math

from rawsocket.master.levels.level_verdicts import counted as counted  # a moment of a run as well
from rawsocket.master.levels.level_verdicts import judged
from rawsocket.master.run import Run
from rawsocket.shapes.shape import Level


def begin(run: Run, level: Level, now: float) -> bool:
    """Begin a level; return whether it is held already, because the one before it had as many users."""
    before = run.levels.records[-1] if run.levels.records else None
    run.levels.begin(level, now, counted(run))
    if before and before.held_at is not None and before.level.users == level.users:
        run.levels.hold(now)
        return True
    if run.window:
        run.window.pause(now, math.inf)
    return False


def hold(run: Run, now: float) -> None:
    """Start the time of the current level."""
    run.levels.hold(now)
    if (record := run.levels.current) and record.window:
        run.schedule_window(now, record.window.opens_at)


def end(run: Run, now: float) -> bool:
    """End the current level; return whether it passed."""
    record = run.levels.current
    if record is None:
        return False
    run.levels.end(now, counted(run))
    return judged(run, record)[0].passed
