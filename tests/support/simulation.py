"""A simulated clock, reactor and server: the whole life of a user takes no real time, and gives exact figures.

`Simulation` replaces `time` in the modules under test, and the reactor. Servers answer a message `delay` seconds
after it was sent; a message sent during one of `stalls` gets its answer `delay` seconds after the stall's end.
"""

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rawsocket.engine import connection, reactor
from rawsocket.engine.accounting import SETTLES_AFTER
from rawsocket.engine.connect import attempt
from rawsocket.engine.exchange import exchange
from rawsocket.errors import RawSocketError
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.users.config import SessionConfig
from rawsocket.users.session import runner, slots, step_functions
from rawsocket.users.session.runner import Session, SessionRunner
from rawsocket.wire.framing import Framing, Line

LONG = 1e6


class Simulation:
    """Time passes only in `run`."""

    def __init__(self, patch: pytest.MonkeyPatch, **setup: Any) -> None:
        self.now = 1000.0
        self.recorder = Recorder()
        self.sockets: list[SimulatedSocket] = []
        self.delay = 0.001
        self.stalls: Sequence[tuple[float, float]] = ()
        self.refuses: Callable[[float], RawSocketError | None] = lambda _: None
        self.handlers: dict[int, Any] = {}
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        for module in (runner, slots, step_functions, connection, exchange, attempt, reactor):
            patch.setattr(module, "time", self)
        self.listener = None
        self.config = self._config(**setup)

    def _config(self, framing: Framing | None = None, timeout: float = LONG, **more: Any) -> SessionConfig:
        simulation: Any = self
        timeouts = {"connect_timeout": timeout, "send_timeout": timeout, "reply_timeout": timeout}
        rows = self.recorder.rows
        made = SessionConfig(
            simulation, self.recorder, rows, simulation, Target("a", 1), framing or Line(), **(timeouts | more)
        )
        made.random = self.reconnect_random
        return made

    @staticmethod
    def reconnect_random() -> float:
        return 0.5

    # -- replaces `time`, the engine and all its parts ---------------------------------------------------------------

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
        self.call(self.now + SETTLES_AFTER, lambda: connection.is_open and self.config.accounting.settle(connection))

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

    # -- runs the simulation -------------------------------------------------------------------------------------

    def call(self, when: float, function: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (max(when, self.now), next(self._order), function))

    def run(self, until: float) -> None:
        """Process all events up to that time."""
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

    def attempt(self, _: Any, __: Any, opened: Any, failed: Any) -> "SimulatedAttempt":
        return SimulatedAttempt(self, opened, failed)


class SimulatedAttempt:
    """Connects 0.5 ms later, or fails then if the simulation refuses."""

    def __init__(self, simulation: Simulation, opened: Any, failed: Any) -> None:
        self.started = simulation.now
        self.handshake_at = 0.0
        self._simulation, self._opened, self._failed = simulation, opened, failed
        self._given_up = False

    def begin(self) -> None:
        self._simulation.call(self._simulation.now + 0.0005, self._end)

    def _end(self) -> None:
        if self._given_up:
            return
        failure = self._simulation.refuses(self._simulation.now)
        if failure is not None:
            self._failed(failure)
            return
        self._opened(SimulatedSocket(self._simulation))

    def give_up(self) -> None:
        self._given_up = True


class SimulatedSocket:
    """The socket of a simulated user."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.number = len(simulation.sockets) + 1
        self.inbound: list[bytes] = []
        self.closed = False
        simulation.sockets.append(self)

    def fileno(self) -> int:
        return self.number

    def send(self, data: bytes) -> int:
        self.simulation.call(self.simulation.answered_at(self.simulation.now), lambda: self.arrive(data))
        return len(data)

    def arrive(self, data: bytes) -> None:
        if not self.closed:
            self.inbound.append(data)
            self.simulation.handlers[self.number].on_ready(1)

    def recv(self, _: int, flags: int = 0) -> bytes:
        if not self.inbound:
            raise BlockingIOError
        return self.inbound[0] if flags else self.inbound.pop(0)

    def close(self) -> None:
        self.closed = True


class SimulatedUser:
    """A user that runs a session given by the test."""

    def __init__(self, simulation: Simulation, session: Callable[["SimulatedUser"], Session]) -> None:
        self.runner = SessionRunner(simulation.config, self)
        self._session = session
        self.over = False
        self.runner.start(simulation.now)

    @property
    def message_no(self) -> int:
        return 0 if self.runner.connection is None else self.runner.connection.message_no

    def session(self) -> Session:
        return self._session(self)

    def is_end(self, error: BaseException) -> bool:
        return False

    def report_error(self, error: BaseException, place: Any = None) -> None:
        raise error

    def on_end(self) -> None:
        self.over = True

    def context(self) -> dict[str, Any]:
        return {}
