"""What the drills with extra clients share: the others must not notice them, and nothing of them is left."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import ClassVar

from lab.drills.clients import message
from lab.drills.clients.extra import ExtraClients
from lab.drills.drill import SAMPLE_S, Before, Drill, Stage
from lab.errors import LabError
from lab.settings import Settings
from lab.waiting import wait_for
from rawsocket.verdict.drills.prediction import Expected

COUNT = 20
NOTICE_S = 5.0  # until the server has seen clients that came or went
ERROR_LINE = 64  # bytes of a reply to a connection beyond those of its messages, at most
_HELD = re.compile(r"^holdfast_server_connections (\S+)$", re.M)
_CAP = re.compile(r"^holdfast_server_max_connections (\S+)$", re.M)


def usual_p99_ms(before: Before) -> float:
    """Return the highest p99 of the usual spread: that of the steady seconds twice, or 20 ms more."""
    return max(2 * before.p99_ms, before.p99_ms + 20)


def held(stage: Stage) -> int:
    """Return how many connections the lab's own server says that it holds."""
    found = _HELD.search(stage.lab.server_metrics())
    assert found
    return int(float(found[1]))


def room(stage: Stage, before: Before, count: int = COUNT) -> int:
    """Return how many of `count` clients the lab's own server has room for below its cap."""
    cap = _CAP.search(stage.lab.server_metrics())
    return min(count, max(0, int(float(cap[1])) - before.held)) if cap else count


class BadlyBehaved(Drill):
    """So many clients, none of the load, for as long as the fault lasts. `what`: what they do (program.py)."""

    on_target = True
    what: ClassVar[str]
    #: Whether the server holds them as long as they are there.
    stay: ClassVar[bool] = True

    def seconds(self, settings: Settings) -> float:
        """Long enough for a median of seconds."""
        return 10.0

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Each connection is served by itself, so the others are as fast as before; then the clients are gone."""
        why = f"twice the highest of {before.p99_ms:.1f} ms before, or 20 ms more"
        found = [
            Expected("lost", 0, 0, "the load is not touched"),
            Expected("typical_p99_ms", most=usual_p99_ms(before), why=why),
            Expected("recover_s", most=SAMPLE_S + 3, why="the load was never disturbed"),
            Expected("own.not_connected", 0, 0, "the server listens"),
        ]
        if stage.settings.own_server:
            found.append(Expected("own.left", 0, 0, "the server has noticed that they are gone"))
            if self.stay:
                seen = room(stage, before)
                found.append(Expected("own.seen", seen, seen, "the server's own count: it has room for them"))
        return found

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Let them come; they leave when the block is left."""
        own, clients = stage.settings.own_server, ExtraClients(stage, self.what, COUNT, message.of(stage.settings))
        before = held(stage) if own else 0
        with clients:
            stage.began()
            if own and self.stay:
                _settled(stage, lambda now: now >= before + COUNT)
                stage.measured("seen", held(stage) - before)
            yield
        if own:
            _settled(stage, lambda now: now <= before)
            stage.measured("left", max(0, held(stage) - before))
        self.report(stage, clients)

    def report(self, stage: Stage, clients: ExtraClients) -> None:
        """Say what became of them, and what the server has counted because of them."""
        figures, opened = clients.figures, clients.figures["opened"]
        stage.measured("not_connected", sum(figures["failed"].values()))
        account(stage, clients)
        closed = f", {figures['closed']} closed by the server" if figures["closed"] else ""
        stage.find(
            f"{opened} connections of the drill's own{closed}: {figures['sent']:,} bytes sent, "
            f"{figures['received']:,} read"
        )


def account(stage: Stage, clients: ExtraClients) -> None:
    """Tell the ledger of what extra clients did."""
    figures, opened = clients.figures, clients.figures["opened"]
    most = figures["messages"] + opened  # what a connection had not sent whole may count as well
    stage.account(
        {
            "connections opened": opened,
            "connections refused": opened,
            "connections closed": opened,
            "messages": most,
            "replies": most,
            "bytes to the server": figures["sent"],
            "bytes from the server": figures["sent"] + ERROR_LINE * opened,
        }
    )


def _settled(stage: Stage, done: Callable[[int], bool]) -> None:
    """Wait a moment until the server's count is so; the figure says what it is then."""
    with contextlib.suppress(LabError):
        wait_for("the server's count", lambda: done(held(stage)), NOTICE_S)
