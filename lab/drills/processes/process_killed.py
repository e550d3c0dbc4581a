"""One of several processes of the server is killed: what it held is lost, and comes back."""

import contextlib
import signal
from collections.abc import Iterator

from lab.drills.drill import SAMPLE_S, Before, Drill, Stage
from lab.drills.processes import backoff, serving
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected


class ProcessKilled(Drill):
    """SIGKILL for process 0; the server starts another one."""

    name = "process-killed"
    text = "one of the server's PROCESSES is killed (SIGKILL)"
    lasts = False
    needs_own_server = serving.OWN_SERVER

    def unfit(self, settings: Settings) -> str:
        """Refuse a server with one process."""
        return serving.unfit(settings)

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """The others go on; the connections of this one are closed by the kernel at once."""
        lost = serving.held(stage)[0]
        return [
            Expected("lost", lost, lost, "process 0 held them"),
            Expected("held_min", least=before.held - lost, why="the other processes go on"),
            Expected("notice_p99_s", most=2 * SAMPLE_S, why="the kernel closes them at once"),
            Expected("recover_s", most=backoff.recover_s(0, stage.jitter), why="the others take them"),
        ]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Kill it. The server itself heals."""
        pid = serving.pids(stage)[0]
        stage.lab.signal_server(pid, signal.SIGKILL)
        stage.began()
        serving.wait_for_replacement(stage, 0, pid)
        yield
