"""Runs on the master without a controller, for tests of their totals."""

from typing import Any

from rawsocket.master.run import Run, RunInfo
from rawsocket.settings.table import STEADY_AFTER_S


def started(*workers: str, info: RunInfo | None = None, **more: Any) -> Run:
    """A run that started at 0 with these workers."""
    return Run(info or RunInfo(), started_at=0.0, workers=workers, **more)


def open_window(run: Run, at: float = STEADY_AFTER_S) -> None:
    """Open the steady window of a run whose ramp was complete STEADY_AFTER_S earlier."""
    run.ramp_complete(at - STEADY_AFTER_S)
    run.open_window(at)
