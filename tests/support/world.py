"""A clock, a reactor and servers that exist only in the test: a life's whole course in no time, and exactly.

`World` stands in for `time` in the modules under test and for the reactor. Servers answer a message `delay` seconds
after it was sent, or, where `stalls` names that moment, at the stall's end and `delay` more.
"""

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rawsocket.engine import connect_attempt as attempt
from rawsocket.engine import connection as talk
from rawsocket.engine import reactor, sending
from rawsocket.engine.accounting import SETTLES_AFTER
from rawsocket.engine.config import Setup
from rawsocket.errors import RawSocketError
from rawsocket.measurement.locust_stats import Batch
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.users import runner as life
from rawsocket.users.runner import Life, Session
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
        for module in (life, talk, sending, attempt, reactor):
            patch.setattr(module, "time", self)
        patch.setattr(life, "Attempt", self._attempt)
        self.setup = self._setup(**setup)

    def _setup(self, framing: Framing | None = None, timeout: float = LONG, **more: Any) -> Setup:
        sweeper: Any = self
        timeouts = {"connect_timeout": timeout, "send_timeout": timeout, "reply_timeout": timeout}
        made = Setup(sweeper, Batch(self.recorder), Target("a", 1), framing or Line(), **(timeouts | more))
        made.random = lambda: 0.5
        return made

    # -- as `time`, as the sweeper, as the reactor ---------------------------------------------------------------

    def perf_counter(self) -> float:
        return self.now

    @property
    def reactor(self) -> Any:
        return self

    def look_every(self, seconds: float) -> None:
        pass

    def opened(self, connection: Any) -> None:
        self.call(self.now + SETTLES_AFTER, connection.settle)

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

    def _attempt(self, _: Any, __: Any, ___: float, opened: Any, failed: Any) -> "Attempt":
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


class Played(Life):
    """A life that plays a session which the test gives it."""

    def __init__(self, world: World, session: Callable[["Played"], Session]) -> None:
        super().__init__(world.setup)
        self._session = session
        self.over = False
        self.begin(world.now)

    def session(self) -> Session:
        return self._session(self)

    def _over(self) -> None:
        self.over = True
