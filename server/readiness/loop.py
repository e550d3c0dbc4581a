"""The readiness loop: one thread that waits for any of its sockets and dispatches to its handler.

Strategy: a table from descriptor to handler (listener, signals, connections, refusals) and one look-up for each event;
a handler does what can be done now and never waits. The same loop runs on every poller. Rules:

- Nothing here blocks except `poller.wait`. Log lines go through a queue; another thread reads the counters.
- The clock is read once a turn (`now`). Deadlines are checked once a second, in one pass over timestamps: for thousands
  of connections that is cheaper than a timer wheel or a heap, which each message would have to update. Without an idle
  timeout the pass covers only the few connections with a deadline, so thousands of silent ones cost nothing.
- During a turn a handler may end only itself, so every reported descriptor has a handler. New connections are accepted
  and stop requests handled at the end of the turn.
- Stopping: no new connections; idle connections are closed, the others when their replies are sent or the drain timeout
  is over. A second request closes all at once.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from server.interfaces import Handler
from server.monitoring.counters import TURNS
from server.policy import NEVER, NOTICE_SECONDS
from server.readiness.connection import Connection
from server.readiness.pollers import Poller
from server.service import Service
from server.system.signals import StopRequests

if TYPE_CHECKING:
    import ssl

DEADLINE_CHECK_SECONDS = 1.0


class Loop:
    """Serve the listener of `service` with `poller`, until stopped. The poller is closed at the end."""

    notice_seconds: ClassVar[float] = NOTICE_SECONDS

    def __init__(self, service: Service, poller: Poller) -> None:
        self.service = service
        self.settings = service.settings
        self.wire = service.wire
        self.poller = poller
        self.counters = service.counters
        self.counts = service.counters.counts
        self.log = service.log
        self.now = monotonic()
        self.draining = False
        self.handlers: dict[int, Handler] = {}
        self._connection_count = 0
        self._with_deadline: set[Connection] = set()
        self._end_of_turn_calls: list[Callable[[], None]] = []
        self._stops = _StopHandler(service.stops)
        self._cut_at = NEVER
        self._next_deadline_check = self._wake_at = self.now + DEADLINE_CHECK_SECONDS
        self._new_connection = _connections(service.tls)
        self._source = service.open_source(self)
        self.handlers[service.stops.fileno()] = self._stops
        poller.watch(service.stops.fileno(), True, False)

    def run(self) -> None:
        """Serve until a stop request has been carried out."""
        try:
            while self._connection_count or not self.draining:
                self._turns()
                if self.now >= self._wake_at:
                    self._timers(self.now)
                if self._stops.requests:
                    self._stop()
        finally:
            self._source.close()
            self._cut()
            self.poller.close()

    def _turns(self) -> None:
        """Run turns until a timer is due or a stop request has come. Attributes are looked up once, not per turn."""
        handlers, counts, lag = self.handlers, self.counts, self.counters.lag
        wait, stops, draining, end_of_turn_calls = self.poller.wait, self._stops, self.draining, self._end_of_turn_calls
        while True:
            before = monotonic()
            lag.turn_ended(before)
            readable, writable = wait(self._wake_at - before if self._wake_at > before else 0.0)
            self.now = now = monotonic()
            lag.turn_started(now)
            counts[TURNS] += 1
            for fd in readable:
                handlers[fd].on_readable()
            for fd in writable:
                handler = handlers.get(fd)  # It may have ended in the same turn.
                if handler is not None:
                    handler.on_writable()
            while end_of_turn_calls:
                end_of_turn_calls.pop()()
            if now >= self._wake_at or stops.requests or draining:
                return

    # What connections and their source call

    def interest_changed(self, connection: Connection) -> None:
        """Watch the events that the connection wants now."""
        self.poller.watch(connection.fd, connection.readable(), connection.writable())

    def watch_deadline(self, connection: Connection) -> None:
        """Check the connection's deadlines from now on."""
        self._with_deadline.add(connection)

    def remove(self, connection: Connection, reason: str) -> None:
        """Forget a connection that is about to close its socket."""
        fd = connection.fd
        self._with_deadline.discard(connection)
        self.poller.forget(fd)
        del self.handlers[fd]
        self._connection_count -= 1
        self.counters.closed[reason] += 1
        if self.log.debugging:
            self.log.debug("connection from %s closed: %s", connection.peer, reason)
        self._source.connection_closed()

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Serve a new connection."""
        connection = self._new_connection(self, sock, peer)
        self.handlers[connection.fd] = connection
        self._connection_count += 1
        self.poller.watch(connection.fd, True, False)

    def connection_count(self) -> int:
        """Return how many connections are open."""
        return self._connection_count

    def wake_by(self, when: float) -> None:
        """End the wait at `when` at the latest."""
        self._wake_at = min(self._wake_at, when)

    def call_at_end_of_turn(self, call: Callable[[], None]) -> None:
        """Call this when all events of the turn have been handled."""
        self._end_of_turn_calls.append(call)

    def _connections(self) -> list[Connection]:
        return [handler for handler in self.handlers.values() if isinstance(handler, Connection)]

    # Timers and stopping

    def _timers(self, now: float) -> None:
        if now >= self._next_deadline_check:
            self._next_deadline_check = now + DEADLINE_CHECK_SECONDS
            for connection in self._connections() if self.settings.idle_timeout else list(self._with_deadline):
                connection.check_deadlines(now)
            self._with_deadline = {connection for connection in self._with_deadline if connection.has_deadline()}
        self._wake_at = min(self._next_deadline_check, self._cut_at)
        self._source.tick()
        if now >= self._cut_at:
            self._cut()

    def _stop(self) -> None:
        again = self._stops.requests > 1 or self.draining
        self._stops.requests = 0
        if not self.draining:
            self._drain()
        if again:
            self._cut()

    def _drain(self) -> None:
        self.draining = self.service.draining = True
        self._cut_at = self.now + self.service.settings.drain_timeout
        self.wake_by(self._cut_at)
        self._source.close()
        before = self._connection_count
        for connection in self._connections():
            connection.drain()
        left = self._connection_count
        self.log.info("stopping: %d connections closed, %d still draining", before - left, left)

    def _cut(self) -> None:
        if self._connection_count:
            self.log.warning("stopping: %d connections cut", self._connection_count)
        for connection in self._connections():
            connection.cut()


def _connections(tls: ssl.SSLContext | None) -> Callable[[Loop, socket.socket, object], Connection]:
    if tls is None:
        return Connection
    from server.readiness.tls_connection import TlsConnection  # Imported late: see `server/system/tls.py`.

    return partial(TlsConnection, tls)


class _StopHandler:
    """The handler of the stop requests' descriptor: it only counts them."""

    def __init__(self, stops: StopRequests) -> None:
        self._stops = stops
        self.requests = 0

    def on_readable(self) -> None:
        self.requests += self._stops.read_requests()

    def on_writable(self) -> None:
        pass
