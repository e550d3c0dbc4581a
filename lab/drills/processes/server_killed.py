"""The server is killed, is away for a while, and is started again: all of its connections are lost, and come back."""

import contextlib
from collections.abc import Iterator

from lab.drills.drill import SAMPLE_S, Before, Drill, Stage
from lab.drills.processes import backoff
from rawsocket.verdict.drills.prediction import Expected


class ServerKilled(Drill):
    """SIGKILL; the lab starts it again after FOR."""

    name = "server-killed"
    text = "the server is killed (SIGKILL), and started again after FOR"

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """All are lost and notice at once; their next attempt after the restart succeeds."""
        return [
            backoff.lost(before.held, stage.jitter),
            Expected("held_min", 0, 0, "nobody serves"),
            Expected("notice_p99_s", most=2 * SAMPLE_S, why="the kernel closes them at once"),
            Expected("recover_s", most=backoff.recover_s(stage.for_s + SAMPLE_S, stage.jitter), why=backoff.BOUND),
        ]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Kill it. A lab that is killed takes what is left with it, so there is nothing to be leased."""
        stage.lab.kill_server(stage.began)
        try:
            yield
        finally:
            stage.lab.restart_server()
