"""The master of a run is killed: nobody can judge the run any more, so it is unknown; the lab says so and ends it."""

import contextlib
from collections.abc import Iterator

from lab.drills.drill import Before, Drill, Stage
from lab.errors import EXIT_LAB_FAILED
from rawsocket.verdict.drills.prediction import Expected


class MasterKilled(Drill):
    """SIGKILL. A master that is started again knows nothing of the run, so the lab does not start one."""

    name = "master-killed"
    text = "the master is killed (SIGKILL): the run is unknown, and nothing of it is left"
    on_target = True
    lasts = False
    ends_run = True

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """The lab notices, names the master, and ends the others."""
        return [
            Expected("own.exit_code", EXIT_LAB_FAILED, EXIT_LAB_FAILED, "no verdict: the lab has failed"),
            Expected("own.left", 0, 0, "parts of the lab that still run"),
        ]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Kill it; there is nothing to be healed."""
        stage.parts("master")[0].kill()
        yield
