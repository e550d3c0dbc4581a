"""All clients come back at the same time: the server is killed and at once started again."""

import contextlib
from collections.abc import Iterator
from types import MappingProxyType

from lab.drills.drill import SAMPLE_S, Before, Drill, Stage
from lab.drills.processes import backoff
from rawsocket.verdict.drills.prediction import Expected

START_S = 5.0  # how long a server may take to start


class ReconnectHerd(Drill):
    """SIGKILL, and a start at once. The back-off has full jitter."""

    name = "reconnect-herd"
    text = "all connections are reset at once by a restart; everybody comes back (back-off with jitter)"
    lasts = False

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Everybody tries within half a second, and again after waits that double: few attempts, no sharp peak."""
        jitter = stage.jitter
        return [
            backoff.lost(before.held, jitter),
            Expected("peak_connects_s", *backoff.peak(before.held, stage.workers, jitter)),
            Expected("attempts_per_user", 1, backoff.attempts(START_S, jitter), f"a restart within {START_S:g} s"),
            Expected("recover_s", most=backoff.recover_s(START_S, jitter), why=backoff.BOUND),
            Expected("notice_p99_s", most=START_S + SAMPLE_S, why="the kernel closes them at once"),
        ]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Kill it, and start it again."""
        stage.lab.kill_server(stage.began)
        stage.lab.restart_server()
        yield


class ReconnectHerdNoJitter(ReconnectHerd):
    """The same for clients without jitter."""

    name = "reconnect-herd-no-jitter"
    text = "all connections are reset at once by a restart; everybody comes back (back-off without jitter)"
    changes = MappingProxyType({"RECONNECT_JITTER": "no"})
