"""A clock, a reactor and servers that exist only in the test: a life's whole course in no time, and exactly.

`World` stands in for `time` in the modules under test and for the reactor. Servers answer a message `delay` seconds
after it was sent, or, where `stalls` names that moment, at the stall's end and `delay` more.
"""

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rawsocket.engine import connection, exchange, reactor
from rawsocket.engine.accounting import SETTLES_AFTER
from rawsocket.engine.connect import connector
from rawsocket.errors import RawSocketError
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.users import session_runner, session_steps
from rawsocket.users.config import SessionConfig
from rawsocket.users.session_runner import Session, SessionRunner
from rawsocket.wire.framing import Framing, Line

LONG = 1e6


class World:
    """Time stands still but for `run`."""

    def __init__(self, patch: pytest.MonkeyPatch, **setup: Any) -> None:
        self.now = 1000.0
        self.recorder = Recorder()
        self.sockets: list[Sock] = []
        self.delay = 0.001
        self.stalls: Sequence[tuple[float, float]] = ()
        self.refuses: Callable[[float], RawSocketError | None] = lambda _: None
        self.handlers: dict[int, Any] = {}
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        for module in (session_runner, session_steps, connection, exchange, connector, reactor):
            patch.setattr(module, "time", self)
        self.listener = None
        self.config = self._config(**setup)

    def _config(self, framing: Framing | None = None, timeout: float = LONG, **more: Any) -> SessionConfig:
        world: Any = self
        timeouts = {"connect_timeout": timeout, "send_timeout": timeout, "reply_timeout": timeout}
        rows = self.recorder.rows
        made = SessionConfig(world, self.recorder, rows, world, Target("a", 1), framing or Line(), **(timeouts | more))
        made.random = lambda: 0.5
        return made

    # -- as `time`, as the engine and all its parts ---------------------------------------------------------------

    def perf_counter(self) -> float:
        return self.now

    @property
    def reactor(self) -> Any:
        return self

    deadlines = connector = reactor

    @property
    def recorders(self) -> set[Any]:
        return set()

    def at_least(self, timeout: float) -> None:
        pass

    def settle_later(self, connection: Any) -> None:
        self.call(self.now + SETTLES_AFTER, lambda: connection.is_open and connection.settle())

    def at(self, when: float, timed: Any) -> None:
        timed.key = next(self._order) + 1
        self.call(when, lambda key=timed.key: self._fire(timed, key))  # type: ignore[misc]

    def _fire(self, timed: Any, key: int) -> None:
        if timed.key == key:
            timed.key = 0
            timed.on_time()

    def forget(self, timed: Any) -> None:
        timed.key = 0

    def watch(self, fd: int, handler: Any, events: int) -> None:
        self.handlers[fd] = handler

    take_over = watch

    def unwatch(self, fd: int) -> None:
        del self.handlers[fd]

    # -- the course of events ------------------------------------------------------------------------------------

    def call(self, when: float, function: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (max(when, self.now), next(self._order), function))

    def run(self, until: float) -> None:
        """Let everything happen up to that time."""
        while True:
            overdue = min(self.handlers.values(), key=lambda handler: handler.deadline, default=None)
            deadline = LONG if overdue is None else overdue.deadline
            event = self._queue[0][0] if self._queue else LONG
            if min(deadline, event) > until:
                self.now = until
                return
            self.now = max(self.now, min(deadline, event))
            if deadline < event:
                overdue.overdue(self.now)
            else:
                heapq.heappop(self._queue)[2]()

    def answered_at(self, sent: float) -> float:
        for begin, end in self.stalls:
            if begin <= sent < end:
                return end + self.delay
        return sent + self.delay

    def attempt(self, _: Any, __: Any, ___: Any, ____: float, opened: Any, failed: Any) -> "Attempt":
        return Attempt(self, opened, failed)


class Attempt:
    """Ends a moment later, or fails at once where the world refuses."""

    def __init__(self, world: World, opened: Any, failed: Any) -> None:
        self.started = world.now
        self._world, self._opened, self._failed = world, opened, failed
        self._given_up = False

    def begin(self) -> None:
        self._world.call(self._world.now + 0.0005, self._end)

    def _end(self) -> None:
        if self._given_up:
            return
        failure = self._world.refuses(self._world.now)
        if failure is not None:
            self._failed(failure)
            return
        self._opened(Sock(self._world))

    def give_up(self) -> None:
        self._given_up = True


class Sock:
    """What a life has for a socket."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = len(world.sockets) + 1
        self.inbound: list[bytes] = []
        self.closed = False
        world.sockets.append(self)

    def fileno(self) -> int:
        return self.number

    def send(self, data: bytes) -> int:
        self.world.call(self.world.answered_at(self.world.now), lambda: self.arrive(data))
        return len(data)

    def arrive(self, data: bytes) -> None:
        if not self.closed:
            self.inbound.append(data)
            self.world.handlers[self.number].on_ready(1)

    def recv(self, _: int, flags: int = 0) -> bytes:
        if not self.inbound:
            raise BlockingIOError
        return self.inbound[0] if flags else self.inbound.pop(0)

    def close(self) -> None:
        self.closed = True


class Played:
    """A user that plays a session which the test gives it."""

    def __init__(self, world: World, session: Callable[["Played"], Session]) -> None:
        self.runner = SessionRunner(world.config, self)
        self._session = session
        self.over = False
        self.runner.start(world.now)

    @property
    def message_no(self) -> int:
        return 0 if self.runner.connection is None else self.runner.connection.message_no

    def session(self) -> Session:
        return self._session(self)

    def is_end(self, error: BaseException) -> bool:
        return False

    def report_error(self, error: BaseException) -> None:
        raise error

    def on_end(self) -> None:
        self.over = True

    def context(self) -> dict[str, Any]:
        return {}
