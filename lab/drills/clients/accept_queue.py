"""More newcomers come to a frozen server than its backlog has room for: the kernel drops their first packets."""

import contextlib
import os
from collections.abc import Iterator

from lab.drills.clients import program
from lab.drills.clients.badly_behaved import account, room
from lab.drills.clients.extra import ExtraClients
from lab.drills.clients.overflows import overflows
from lab.drills.drill import SAMPLE_S, Before, Drill, Stage, frozen, nothing_lost
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

COUNT, BACKLOG = 50, "SERVER_BACKLOG"
AT_ONCE_S = 0.9  # a first packet that was dropped is sent again after a second


class AcceptQueueOverflow(Drill):
    """SIGSTOP or a paused container, and newcomers. Linux keeps one more connection than the backlog says."""

    name = "accept-queue-overflow"
    text = f"{COUNT} newcomers come to a frozen server whose backlog is shorter"
    environ = {BACKLOG: "16"}  # noqa: RUF012
    needs_own_server = "only the lab's own server has a backlog that the lab can set"

    def seconds(self, settings: Settings) -> float:
        """So short that first packets which are sent again arrive within TIMEOUT: after twice as long at most."""
        return 3.0

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """The backlog fills; the others come in when the server goes on. What is held is not touched."""
        queue = min(COUNT, int(os.environ.get(BACKLOG) or self.environ[BACKLOG]) + 1)
        found = [
            Expected("own.at_once", queue, min(COUNT, queue + 2), "the backlog and one more; two may come together"),
            Expected("own.overflows", COUNT - queue - 2, None, "ListenOverflows of the kernel: one for each other"),
            Expected("recover_s", most=SAMPLE_S + 3, why="the server goes on"),
        ]
        if lost := nothing_lost(stage):
            found += [*lost, Expected("held_min", before.held, None, "nobody has to connect again")]
        # A server without room for all may leave some in its backlog, which stays full.
        if 2 * stage.for_s + 1 < stage.timeout_s and room(stage, before, COUNT) == COUNT:
            found.append(Expected("own.in_the_end", COUNT, COUNT, "first packets are sent again"))
        return found

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Freeze it, and let newcomers come."""
        (server,) = stage.parts("server")
        before, clients = overflows(stage), ExtraClients(stage, program.ARRIVE, COUNT, wait=False)
        with contextlib.ExitStack() as ending:
            with frozen(stage, server):
                stage.began()
                ending.enter_context(clients)
                yield
            clients.arrived()
        stage.measured("at_once", sum(seconds < AT_ONCE_S for seconds in clients.figures["times"]))
        stage.measured("in_the_end", clients.figures["opened"])
        stage.measured("overflows", overflows(stage) - before)
        account(stage, clients)
