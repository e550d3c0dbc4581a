"""One session on a real reactor against a real server, with its events kept. Imports Locust."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from rawsocket.engine.config import Setup
from rawsocket.engine.deadlines import Sweeper
from rawsocket.engine.reactor import Reactor
from rawsocket.errors import RawSocketError
from rawsocket.measurement.locust_stats import Batch
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.rows import Times
from rawsocket.target import Target
from rawsocket.users.runner import Life, Session
from rawsocket.users.steps import Request
from rawsocket.wire.framing import Framing, Line
from rawsocket.wire.payload import payload
from tests.support import echo
from tests.support.running import LONG, wait_until


class Stage(Life):
    """Plays a session once; what it gives or raises is kept, and so is every event."""

    def __init__(self, setup: Setup, play: Callable[["Stage"], Session]) -> None:
        super().__init__(setup)
        self.outcomes: list[tuple[str, str]] = []
        self.result: Any = None
        self.raised: BaseException | None = None
        self.over = False
        self._play = play
        self.begin(time.perf_counter())

    def session(self) -> Session:
        try:
            self.result = yield from self._play(self)
        except Exception as error:
            self.raised = error
        raise SystemExit

    def ask(self, size: int = 20, **more: Any) -> Request:
        message = payload(size, self.connection_id, self.message_no)
        return Request(message, "message", message, **more)

    def tell(self, row: str, times: Times | None, length: int, failure: RawSocketError | None) -> None:
        super().tell(row, times, length, failure)
        self.outcomes.append((row, failure.name if failure else "ok"))

    def played(self) -> "Stage":
        """Wait for its end; whatever it has left open is closed by then."""
        wait_until(lambda: self.over)
        return self

    def _is_end(self, error: BaseException) -> bool:
        return isinstance(error, SystemExit)

    def _over(self) -> None:
        self.over = True

    def check(self) -> None:
        """The recorder's invariants."""
        made = self.recorder
        settled = self._sock is not None and self.settled
        in_flight = len(list(self._flights()))
        assert made.attempted == made.connected + sum(made.failed.values())
        assert made.connected == sum(made.dropped.values()) + made.closed + settled
        assert made.sent == made.answered + made.wrong + made.unanswered + in_flight
        assert made.unanswered == sum(made.unanswered_by.values()) >= made.cut
        assert made.held == (self._sock is not None)
        assert made.failures == sum(sum(row.failures.values()) for row in self.setup.rows.values())


@contextlib.contextmanager
def theatre() -> Iterator[Sweeper]:
    """A reactor and a sweeper of its own, with a fresh recorder."""
    reactor = Reactor()
    try:
        yield Sweeper(reactor, Recorder())
        assert reactor.handlers == []
    finally:
        reactor.close()


@contextlib.contextmanager
def staged(
    mode: str, play: Callable[[Stage], Session], framing: Framing | None = None, host: str = "127.0.0.1", **more: Any
) -> Iterator[Stage]:
    """The session, begun, against a server of tests/support/echo.py."""
    timeouts = {"connect_timeout": LONG, "send_timeout": LONG, "reply_timeout": LONG}
    with theatre() as sweeper, echo.running(mode, host) as (_, port):
        rows = Batch(sweeper.recorder)
        stage = Stage(Setup(sweeper, rows, Target(host, port), framing or Line(), **(timeouts | more)), play)
        try:
            yield stage
        finally:
            if not stage.over:
                stage.end()
            gevent.sleep(0)
        stage.check()
