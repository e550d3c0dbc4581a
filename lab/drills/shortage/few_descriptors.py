"""The server may open a few more descriptors, and more newcomers come: they are refused, and it does not spin."""

import contextlib
import json
from collections.abc import Iterator

from lab.drills import lease
from lab.drills.clients import program
from lab.drills.clients.badly_behaved import account
from lab.drills.clients.extra import ExtraClients
from lab.drills.drill import SAMPLE_S, Before, Drill, Stage
from lab.drills.shortage.server_limits import CpuUse, cpu_seconds, limits_command, output
from rawsocket.verdict.drills.prediction import Expected

COUNT, SPARE = 20, 5
MOST_CPU = 50.0  # percent of a core: a server that spins takes all of it


class FewDescriptors(Drill):
    """prlimit: RLIMIT_NOFILE of the server's processes, as many as they have and 5 more."""

    name = "few-descriptors"
    text = f"the server may open {SPARE} more descriptors, and {COUNT} newcomers come"
    needs_own_server = "only the lab's own server says how much CPU it uses"

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """What is held has its descriptor. A newcomer without one is refused, or waits in the backlog."""
        return [
            Expected("lost", 0, 0, "what is held keeps its descriptor"),
            Expected("held_min", before.held, None, "nobody has to connect again"),
            Expected("own.served", 0, SPARE * stage.processes, f"{SPARE} for each process"),
            Expected("own.cpu_percent", most=MOST_CPU, why="a server that spins takes a core"),
            Expected("own.left", 0, 0, "processes whose limit is not what it was"),
            Expected("recover_s", most=SAMPLE_S + 3, why="the load was never disturbed"),
        ]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Lower the limit, let newcomers come and leave, and put it back."""
        limits = output(limits_command(stage, "show"))
        restore = limits_command(stage, "restore", limits)
        clients, use = ExtraClients(stage, program.ARRIVE, COUNT, b"hello\n"), CpuUse(lambda: cpu_seconds(stage))
        with stage.lease([lease.command(*restore)]):
            output(limits_command(stage, "lower", str(SPARE)))
            try:
                stage.began()
                with clients:
                    yield
            finally:
                output(restore)
        stage.measured("cpu_percent", round(100 * use.cores(), 1))
        after = json.loads(output(limits_command(stage, "show")))
        stage.measured("left", sum(after.get(pid, was) != was for pid, was in json.loads(limits).items()))
        stage.measured("served", clients.figures["served"])
        refused = clients.figures["rejected"] + clients.figures["closed"]
        stage.find(f"{refused} of {COUNT} newcomers were refused, the others waited or were served")
        account(stage, clients)
