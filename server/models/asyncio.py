"""What the standard library made of it: asyncio, with a Protocol for each connection (see `server/aio/connection.py`).

The loop, the transports and their buffers are asyncio's; what is added is what a server needs besides. Newcomers come
in by the acceptor of the lab's own loop, hung up in asyncio's by `add_reader`: cap and refusals are the same, and out
of descriptors it does not log without end, as asyncio's own way of accepting would.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic

from server.aio.connection import Peer
from server.inbox import NEVER
from server.models.base import Model
from server.monitoring.counters import Counters
from server.readiness.acceptor import Handler
from server.readiness.connection import HIGH_MARK
from server.service import Service

SWEEP_SECONDS = 1.0


class AsyncioModel(Model):
    """A Protocol for each connection, on asyncio's loop (epoll underneath)."""

    def __init__(self) -> None:
        self._selector = TimedSelector()
        self._loop = asyncio.SelectorEventLoop(self._selector)

    def serve(self, service: Service) -> None:
        """Serve until a request to stop has been carried out."""
        self._selector.counters = service.counters
        self._selector.now = monotonic()
        hub = Hub(service, self._loop, self._selector)
        try:
            self._loop.run_forever()
        finally:
            hub.entrance.close()
            self._loop.close()


class TimedSelector(selectors.EpollSelector):
    """asyncio's usual selector; tells the counters when a turn of the loop begins and ends."""

    counters: Counters
    now: float

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait `timeout` seconds at most (None: for ever)."""
        self.counters.lag.away(monotonic())
        ready = super().select(timeout)
        self.now = monotonic()
        self.counters.lag.back(self.now)
        self.counters.turns += 1
        return ready


class Hub:
    """What all connections share; the acceptor's host."""

    def __init__(self, service: Service, loop: asyncio.SelectorEventLoop, selector: TimedSelector) -> None:
        self.service = service
        self.counters = service.counters
        self.log = service.log
        self.receive_size = service.receive_size
        self.buffer = memoryview(bytearray(service.receive_size))
        self.handlers: dict[int, Handler] = {}
        self.poller = Readers(loop, self.handlers)
        self.stopped_at = NEVER
        self.drained = False
        self._loop = loop
        self._selector = selector
        self._arriving: dict[Peer, asyncio.Task[None]] = {}  # They have no transport yet.
        self._peers: set[Peer] = set()
        self._tick = loop.call_later(SWEEP_SECONDS, self._on_tick)
        self._sweep()
        self.entrance = service.entrance(self)
        loop.add_reader(service.stops.fileno(), self._on_stop)

    @property
    def now(self) -> float:
        """When the turn began (monotonic seconds)."""
        return self._selector.now

    # What the acceptor asks for

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Have a transport made for a newcomer."""
        newcomer = Peer(self, peer)
        self._arriving[newcomer] = self._loop.create_task(self._connect(newcomer, sock))

    async def _connect(self, peer: Peer, sock: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: peer, sock)
        except OSError as problem:  # It has left, and its socket takes no more options.
            peer.connection_lost(problem)
            sock.close()

    def held(self) -> int:
        """Return how many connections are held."""
        return len(self._arriving) + len(self._peers)

    def wake_by(self, when: float) -> None:
        """Call `tick` of the acceptor at `when`, or soon after."""
        if when < self._tick.when():
            self._tick.cancel()
            self._tick = self._loop.call_at(when, self._on_tick)

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call this a turn later: by then transports have told of the ends that were reported in this one."""
        self._loop.call_soon(self._loop.call_soon, call)

    # What connections ask for

    def arrived(self, peer: Peer) -> None:
        """It has its transport."""
        del self._arriving[peer]
        self._peers.add(peer)
        if self.drained:
            peer.drain()

    def closed(self, peer: Peer, reason: str) -> None:
        """Forget a connection that is about to close its socket."""
        self._arriving.pop(peer, None)
        self._peers.discard(peer)
        self.counters.closed[reason] += 1
        self.log.debug("connection of %s closed: %s", peer.address, reason)
        self.entrance.released()
        self._end_if_empty()

    # Time and the end

    def _on_tick(self) -> None:
        self._tick = self._loop.call_later(SWEEP_SECONDS, self._on_tick)
        self.entrance.tick()

    def _sweep(self) -> None:
        self._loop.call_later(SWEEP_SECONDS, self._sweep)
        for peer in self._peers:
            peer.sweep()

    def _on_stop(self) -> None:
        requests = self.service.stops.take()
        if requests and not self.service.draining:
            self.service.draining = True
            self.stopped_at = self.now
            self.entrance.close()
            self._loop.call_later(self.service.settings.drain_timeout, self._cut)
            self.afterwards(self._drain_when_read)
            requests -= 1
        if requests:
            self._cut()

    def _drain_when_read(self, before: int = -1, room: int = HIGH_MARK) -> None:
        """Drain when nothing more has come since `before` bytes, or enough of one who goes on and on."""
        taken = self.counters.bytes_in
        if taken != before and room > 0:
            self.afterwards(partial(self._drain_when_read, taken, room - self.receive_size))
        elif not self.drained:
            self._drain()

    def _drain(self) -> None:
        self.drained = True
        closed = sum([peer.drain() for peer in self._peers])
        self.log.info("stopping: %d connections closed, %d finish first", closed, self.held() - closed)
        self._end_if_empty()

    def _cut(self) -> None:
        if not self.drained:
            self._drain()
            self._loop.call_soon(self._cut)  # A turn later, when those that this has closed are gone.
            return
        if self.held():
            self.log.warning("stopping: %d connections cut", self.held())
        for peer in self._peers:
            peer.cut()

    def _end_if_empty(self) -> None:
        if self.drained and not self.held():
            self._loop.stop()


class Readers:
    """The acceptor's way into asyncio's loop: it only ever wants to read."""

    wall: int | None = None

    def __init__(self, loop: asyncio.SelectorEventLoop, handlers: Mapping[int, Handler]) -> None:
        self._loop = loop
        self._handlers = handlers

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Have the handler of `fd` called, or not."""
        if read:
            self._loop.add_reader(fd, self._handlers[fd].on_readable)
        else:
            self._loop.remove_reader(fd)

    def forget(self, fd: int) -> None:
        """Call its handler no more."""
        self._loop.remove_reader(fd)
