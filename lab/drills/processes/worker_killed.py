"""A worker of the load generator is killed: the run says whose figures are unknown."""

import contextlib
from collections.abc import Iterator

from lab.drills.drill import Stage
from lab.drills.processes.worker_lost import WorkerLost


class WorkerKilled(WorkerLost):
    """SIGKILL."""

    name = "worker-killed"
    text = "a worker of the load is killed (SIGKILL): what it did is unknown, with its name"

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Kill it; there is nothing to be healed."""
        stage.parts("worker")[0].kill()
        yield
