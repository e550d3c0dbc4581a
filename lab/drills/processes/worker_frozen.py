"""A worker of the load generator is frozen for so long that the master gives it up, and goes on."""

import contextlib
from collections.abc import Iterator

from lab.drills.drill import Stage
from lab.drills.processes.worker_lost import WorkerLost


class WorkerFrozen(WorkerLost):
    """SIGSTOP, or a paused container."""

    name = "worker-frozen"
    text = "a worker of the load is frozen (SIGSTOP, a paused container) and goes on"

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Freeze it."""
        worker = stage.parts("worker")[0]
        with stage.lease(worker.thaw_by_others()):
            worker.freeze()
            try:
                yield
            finally:
                worker.thaw()
