"""A rolling restart: each process of the server gets SIGTERM, one after the other."""

import contextlib
import math
import signal
from collections.abc import Iterator

from lab.drills.drill import Before, Drill, Stage
from lab.drills.processes import backoff, serving
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

PAUSE_S = 2.0  # between two processes, so that the connections of the first are back


class ProcessesRolling(Drill):
    """SIGTERM for each; the server starts another one in its place."""

    name = "processes-rolling"
    text = "each of the server's PROCESSES is restarted in turn (SIGTERM)"
    lasts = False
    needs_own_server = serving.OWN_SERVER

    def unfit(self, settings: Settings) -> str:
        """Refuse a server with one process."""
        return serving.unfit(settings)

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Each connection is lost once; of those that go to a process whose turn is yet to come, once more.

        The first process of N has h/N, the others then h/(N-1) at most: h/N + (N-1) * h/(N-1) = h + h/N.
        """
        count = stage.processes
        most = math.ceil(before.held * (1 + 1 / count)) + count
        return [
            Expected("lost", before.held, most, f"h = {before.held} to h + h/{count}"),
            Expected("held_min", least=0, why="one process at a time"),
            Expected("recover_s", most=backoff.recover_s(0, stage.jitter), why="the others take them"),
        ]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Restart them. The server itself heals."""
        for number, pid in sorted(serving.pids(stage).items()):
            stage.lab.signal_server(pid, signal.SIGTERM)
            stage.began()
            serving.wait_for_replacement(stage, number, pid)
            stage.wait(PAUSE_S)
        yield
