"""All clients come back at the same time: the server is killed and at once started again."""

import contextlib
from collections.abc import Iterator

from lab.drills.drill import SAMPLE_S, Before, Drill, Stage
from lab.drills.processes import backoff
from rawsocket.verdict.drills.prediction import Expected

START_S = 5.0  # how long a server may take to start


class ReconnectHerd(Drill):
    """The back-off of our users always has jitter, so there is no herd without it to compare with."""

    name = "reconnect-herd"
    text = "all connections are reset at once by a restart; everybody comes back (back-off with jitter)"
    lasts = False

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Everybody tries within half a second, and again after waits that double: few attempts, no sharp peak."""
        return [
            backoff.lost(before.held),
            Expected("peak_connects_s", most=backoff.ATTEMPTS_A_SECOND * before.held, why="waits of 0 to 0.5, 1, 2 s"),
            Expected("attempts_per_user", 1, backoff.attempts(START_S), f"a restart within {START_S:g} s"),
            Expected("recover_s", most=backoff.recover_s(START_S), why="the bound of the next back-off"),
            Expected("notice_p99_s", most=START_S + SAMPLE_S, why="the kernel closes them at once"),
        ]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Kill it, and start it again."""
        stage.lab.kill_server(stage.began)
        stage.lab.restart_server()
        yield
