"""A worker of the load generator is frozen for so long that the master gives it up, and goes on."""

from contextlib import AbstractContextManager

from lab.drills.drill import Stage, frozen
from lab.drills.processes.worker_lost import FRESH_S, WorkerLost
from lab.settings import Settings
from rawsocket.settings.row import seconds


class WorkerFrozen(WorkerLost):
    """SIGSTOP, or a paused container."""

    name = "worker-frozen"
    text = "a worker of the load is frozen (SIGSTOP, a paused container) and goes on"

    def unfit(self, settings: Settings) -> str:
        """Refuse a length for which it is a matter of chance whether the master gives the worker up."""
        for_s = seconds(settings["FOR"]) if settings["FOR"] else self.seconds(settings)
        if FRESH_S - 1 < for_s < 2 * FRESH_S:
            return f"whether its loss is noticed in FOR={settings['FOR']} is chance: give 2s or less, or 6s or more"
        return super().unfit(settings)

    def gone(self, stage: Stage) -> bool:
        """Return whether the master gives the worker up."""
        return stage.for_s >= FRESH_S

    def injected(self, stage: Stage) -> AbstractContextManager[None]:
        """Freeze it."""
        return frozen(stage, stage.parts("worker")[0])
