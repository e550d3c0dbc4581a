"""The engine leaves the server little more memory than it uses, and slow readers come: it must not grow with them."""

import contextlib
from collections.abc import Iterator

from lab.drills import lease
from lab.drills.clients import message, program
from lab.drills.clients.badly_behaved import COUNT, account
from lab.drills.clients.extra import ExtraClients
from lab.drills.drill import DOCKER, SAMPLE_S, Before, Drill, Stage
from lab.drills.shortage.server_limits import container, output, update
from lab.settings import Settings
from rawsocket.settings.row import size_bytes
from rawsocket.verdict.drills.prediction import Expected

SPARE = 32 * 1024**2  # 20 connections with 64 KB of waiting output each need a tenth of it


class LittleMemory(Drill):
    """The engine's update of memory, to what the server uses and 32 MB more; 20 more clients read slowly."""

    name = "little-memory"
    text = "the server's container may use 32 MB more than it does, and slow readers come"
    engines = frozenset({DOCKER})

    def unfit(self, settings: Settings) -> str:
        """Refuse a container without a limit: the engine can't take one away again."""
        if not size_bytes(settings["SERVER_MEM"]):
            return "SERVER_MEM=0: the engine can't take a limit away again"
        return "" if message.of(settings) else message.NEEDED

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """What waits for a slow reader has a limit, so the memory is enough."""
        return [
            Expected("own.killed", 0, 0, "it is not killed for lack of memory"),
            Expected("lost", 0, 0, "the load is not touched"),
            Expected("own.left", 0, 0, "the limit is what it was"),
            Expected("recover_s", most=SAMPLE_S + 3, why="the load was never disturbed"),
        ]

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Lower the limit, let slow readers come and leave, and put it back."""
        server = container(stage)
        usual, used = server.limit("Memory"), server.memory_bytes()
        undo = update(stage, f"--memory-swap={server.limit('MemorySwap')}", f"--memory={usual}")
        clients = ExtraClients(stage, program.READ_SLOWLY, COUNT, message.of(stage.settings))
        with stage.lease([lease.command(*undo)]):
            output(update(stage, f"--memory={used + SPARE}", f"--memory-swap={used + SPARE}"))
            try:
                stage.began()
                with clients:
                    yield
            finally:
                output(undo)
        server.refresh()
        stage.measured("killed", int(server.lacked_memory()))
        stage.measured("left", int(server.limit("Memory") != usual))
        stage.find(f"the server used {used / 1024**2:.0f} MB and was limited to {(used + SPARE) / 1024**2:.0f} MB")
        account(stage, clients)
