"""All connections of one asyncio loop: accepting, deadlines, and stopping.

The loop, the transports and their buffers are asyncio's; this adds what a server needs besides. New connections come
from the acceptor of the readiness loop, attached by `add_reader`: cap and refusals are the same, and running out of
descriptors does not log without end, as asyncio's own way of accepting would.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import ClassVar

from server.aio.connection import AsyncioConnection
from server.interfaces import Handler
from server.monitoring.counters import Counters
from server.policy import HIGH_MARK, NEVER, NOTICE_ELSEWHERE_SECONDS
from server.service import Service

DEADLINE_CHECK_SECONDS = 1.0


class TimedSelector(selectors.EpollSelector):
    """asyncio's usual selector; it also measures the turns of the loop."""

    counters: Counters
    now: float

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait `timeout` seconds at most (None: for ever)."""
        self.counters.lag.turn_ended(monotonic())
        ready = super().select(timeout)
        self.now = monotonic()
        self.counters.lag.turn_started(self.now)
        self.counters.turns += 1
        return ready


class Hub:
    """The host of the connections and of the acceptor."""

    notice_seconds: ClassVar[float] = NOTICE_ELSEWHERE_SECONDS

    def __init__(self, service: Service, loop: asyncio.SelectorEventLoop, selector: TimedSelector) -> None:
        self.service = service
        self.counters = service.counters
        self.log = service.log
        self.buffer = memoryview(bytearray(service.wire.receive_size))
        self.handlers: dict[int, Handler] = {}
        self.poller = LoopWatcher(loop, self.handlers)
        self.stopped_at = NEVER
        self.drained = False
        self._loop = loop
        self._selector = selector
        self._connecting: dict[AsyncioConnection, asyncio.Task[None]] = {}  # These have no transport yet.
        self._connections: set[AsyncioConnection] = set()
        self._tick = loop.call_later(DEADLINE_CHECK_SECONDS, self._on_tick)
        self._check_deadlines()
        self.source = service.open_source(self)
        loop.add_reader(service.stops.fileno(), self._on_stop)

    @property
    def now(self) -> float:
        """When the current turn started (monotonic seconds)."""
        return self._selector.now

    # What the acceptor calls

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Create a transport for a new connection."""
        connection = AsyncioConnection(self, peer)
        self._connecting[connection] = self._loop.create_task(self._connect(connection, sock))

    async def _connect(self, connection: AsyncioConnection, sock: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
        except OSError as error:  # The client has left, and the socket takes no more options.
            connection.connection_lost(error)
            sock.close()

    def connection_count(self) -> int:
        """Return how many connections are open."""
        return len(self._connecting) + len(self._connections)

    def wake_by(self, when: float) -> None:
        """Call `tick` of the acceptor at `when`, or soon after."""
        if when < self._tick.when():
            self._tick.cancel()
            self._tick = self._loop.call_at(when, self._on_tick)

    def call_at_end_of_turn(self, call: Callable[[], None]) -> None:
        """Call this a turn later: by then the transports have reported the ends that came in this one."""
        self._loop.call_soon(self._loop.call_soon, call)

    # What connections call

    def add(self, connection: AsyncioConnection) -> None:
        """Take over a connection that has its transport now."""
        del self._connecting[connection]
        self._connections.add(connection)
        if self.drained:
            connection.drain()

    def remove(self, connection: AsyncioConnection, reason: str) -> None:
        """Forget a connection that is about to close its socket."""
        self._connecting.pop(connection, None)
        self._connections.discard(connection)
        self.counters.closed[reason] += 1
        self.log.debug("connection from %s closed: %s", connection.peer, reason)
        self.source.connection_closed()
        self._end_if_empty()

    # Timers and stopping

    def _on_tick(self) -> None:
        self._tick = self._loop.call_later(DEADLINE_CHECK_SECONDS, self._on_tick)
        self.source.tick()

    def _check_deadlines(self) -> None:
        self._loop.call_later(DEADLINE_CHECK_SECONDS, self._check_deadlines)
        for connection in self._connections:
            connection.check_deadlines()

    def _on_stop(self) -> None:
        requests = self.service.stops.read_requests()
        if requests and not self.service.draining:
            self.service.draining = True
            self.stopped_at = self.now
            self.source.close()
            self._loop.call_later(self.service.settings.drain_timeout, self._cut)
            self.call_at_end_of_turn(self._drain_when_read)
            requests -= 1
        if requests:
            self._cut()

    def _drain_when_read(self, before: int = -1, budget: int = HIGH_MARK) -> None:
        """Drain when no input has come since `before` bytes, or when a client that sends on has used its budget."""
        received = self.counters.bytes_in
        if received != before and budget > 0:
            self.call_at_end_of_turn(partial(self._drain_when_read, received, budget - len(self.buffer)))
        elif not self.drained:
            self._drain()

    def _drain(self) -> None:
        self.drained = True
        closed = sum([connection.drain() for connection in self._connections])
        left = self.connection_count() - closed
        self.log.info("stopping: %d connections closed, %d still draining", closed, left)
        self._end_if_empty()

    def _cut(self) -> None:
        if not self.drained:
            self._drain()
            self._loop.call_soon(self._cut)  # A turn later, when the connections just closed are gone.
            return
        if self.connection_count():
            self.log.warning("stopping: %d connections cut", self.connection_count())
        for connection in self._connections:
            connection.cut()

    def _end_if_empty(self) -> None:
        if self.drained and not self.connection_count():
            self._loop.stop()


class LoopWatcher:
    """Watches the acceptor's descriptors with asyncio's loop, for reading only."""

    fd_setsize: int | None = None

    def __init__(self, loop: asyncio.SelectorEventLoop, handlers: Mapping[int, Handler]) -> None:
        self._loop = loop
        self._handlers = handlers

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Call the handler of `fd` when it is readable, or stop calling it."""
        if read:
            self._loop.add_reader(fd, self._handlers[fd].on_readable)
        else:
            self._loop.remove_reader(fd)

    def forget(self, fd: int) -> None:
        """Stop calling the handler of `fd`."""
        self._loop.remove_reader(fd)
