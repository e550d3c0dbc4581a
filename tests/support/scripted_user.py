"""One session on a real reactor against a real server, with its events kept. Imports Locust."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent

from rawsocket.engine.connection import Connection
from rawsocket.engine.engine import Engine
from rawsocket.errors import RawSocketError
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.users.config import SessionConfig
from rawsocket.users.session.runner import Session, SessionRunner
from rawsocket.users.steps import Request
from rawsocket.wire.framing import Framing, Line
from rawsocket.wire.payload import payload
from tests.support import echo
from tests.support.local_run import LONG, wait_until


class ScriptedUser:
    """A user that runs a scripted session once and keeps its result, its exception and every event."""

    def __init__(
        self, make_config: Callable[[Any], SessionConfig], script: Callable[["ScriptedUser"], Session]
    ) -> None:
        self.outcomes: list[tuple[str, str]] = []
        self.listener = self
        self.config = make_config(self)
        self.runner = SessionRunner(self.config, self)
        self.recorder = self.config.recorder
        self.result: Any = None
        self.raised: BaseException | None = None
        self.over = False
        self._script = script
        self.runner.start(time.perf_counter())

    @property
    def connection(self) -> Connection:
        assert self.runner.connection is not None
        return self.runner.connection

    def session(self) -> Session:
        try:
            self.result = yield from self._script(self)
        except Exception as error:
            self.raised = error
        raise SystemExit

    def ask(self, size: int = 20, **more: Any) -> Request:
        connection = self.connection
        message = payload(size, connection.connection_id, connection.message_no)
        return Request(message, "message", message, **more)

    def event(self, owner: Any, row: str, seconds: float | None, length: int, failure: RawSocketError | None) -> None:
        assert owner is self.runner
        self.outcomes.append((row, failure.name if failure else "ok"))

    def wait_for_end(self) -> "ScriptedUser":
        """Wait until the session has ended and its connection is closed."""
        wait_until(lambda: self.over)
        return self

    def is_end(self, error: BaseException) -> bool:
        return isinstance(error, SystemExit)

    def report_error(self, error: BaseException, place: Any = None) -> None:
        raise error

    def on_end(self) -> None:
        self.over = True

    def context(self) -> dict[str, Any]:
        return {}

    def check(self) -> None:
        """Check the recorder's invariants."""
        made = self.recorder
        connection = self.runner.connection
        is_open = connection is not None and connection.is_open
        settled = is_open and connection.settled
        in_flight = connection.in_flight if connection else 0
        assert made.attempted == made.connected + sum(made.failed.values())
        assert made.connected == sum(made.dropped.values()) + made.closed + settled
        assert made.sent == made.answered + made.wrong + made.unanswered + made.oneway + in_flight
        assert made.unanswered == sum(made.unanswered_by.values()) >= made.cut
        assert made.held == settled
        assert made.failures == sum(sum(row.failures.values()) for row in self.config.rows.values())


@contextlib.contextmanager
def engine_under_test() -> Iterator[Engine]:
    """A new engine, closed after the block; no handler may be left."""
    engine = Engine()
    try:
        yield engine
        assert engine.reactor.handlers == []
    finally:
        engine.reactor.close()


def config_for(
    engine: Engine, events: Any, target: Target, framing: Framing | None = None, **more: Any
) -> SessionConfig:
    """A configuration with its own recorder, and with long timeouts unless others are given."""
    timeouts = {"connect_timeout": LONG, "send_timeout": LONG, "reply_timeout": LONG}
    recorder = Recorder()
    return SessionConfig(engine, recorder, recorder.rows, events, target, framing or Line(), **(timeouts | more))


@contextlib.contextmanager
def scripted_user(
    mode: str,
    script: Callable[[ScriptedUser], Session],
    framing: Framing | None = None,
    host: str = "127.0.0.1",
    **more: Any,
) -> Iterator[ScriptedUser]:
    """A started session against a server of tests/support/echo.py."""
    with engine_under_test() as engine, echo.running(mode, host) as (_, port):
        user = ScriptedUser(lambda events: config_for(engine, events, Target(host, port), framing, **more), script)
        try:
            yield user
        finally:
            if not user.over:
                user.runner.end()
            gevent.sleep(0)
        user.check()
