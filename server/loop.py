"""The readiness loop: one thread that waits for any of its sockets and calls who is concerned.

Strategy: a table from descriptor to handler (listener, signals, connections, refusals) and one look-up for each event;
a handler does what can be done now and never waits. The same loop runs on every poller. Rules:

- Nothing here blocks but `poller.wait`. Log lines go through a ring, figures are read by another thread.
- The clock is read once a turn (`now`); deadlines are looked at once a second, in one sweep over stamps. For thousands
  of connections that is cheaper than a wheel or a heap that has to be kept up with each message.
- A handler may end only its own connection while a turn runs; requests to stop are acted on at its end.
- Stop: no newcomers, connections that owe nothing are closed, the others until their replies are out or the time for
  draining is over. A second request cuts at once.
"""

from __future__ import annotations

import socket
from time import monotonic

from server.acceptor import Acceptor, Handler
from server.connection import Connection
from server.pollers import Poller
from server.service import Service
from server.signals import StopRequests

SWEEP_SECONDS = 1.0


class Loop:
    """Serve the listener of `service` with `poller`, until stopped. The poller is closed at the end."""

    def __init__(self, service: Service, poller: Poller) -> None:
        settings = service.settings
        self.service = service
        self.poller = poller
        self.counters = service.counters
        self.log = service.log
        self.tracing = service.log.debugging
        self.reply = service.reply
        self.new_decoder = service.new_decoder
        self.receive_size = service.receive_size
        self.idle_timeout = settings.idle_timeout
        self.message_timeout = settings.message_timeout
        self.now = monotonic()
        self.draining = False
        self.handlers: dict[int, Handler] = {}
        self._connections: dict[int, Connection] = {}
        self._stops = _Stops(service.stops)
        self._cut_at = float("inf")
        self._next_sweep = self._wake_at = self.now + SWEEP_SECONDS
        waits = settings.at_cap == "wait"
        self._acceptor = Acceptor(self, service.listener, service.room.cap, service.room.refusals, waits)
        self.handlers[service.stops.fileno()] = self._stops
        poller.watch(service.stops.fileno(), True, False)

    def run(self) -> None:
        """Serve until a request to stop has been carried out."""
        try:
            while self._connections or not self.draining:
                self._turn()
        finally:
            self._acceptor.close()
            self._cut()
            self.poller.close()

    def _turn(self) -> None:
        counters = self.counters
        handlers = self.handlers
        lag = counters.lag
        before = monotonic()
        lag.away(before)
        readable, writable = self.poller.wait(max(0.0, self._wake_at - before))
        self.now = now = monotonic()
        lag.back(now)
        counters.turns += 1
        for fd in readable:
            handler = handlers.get(fd)
            if handler is not None:
                handler.on_readable()
        for fd in writable:
            handler = handlers.get(fd)  # It may have ended in the same turn.
            if handler is not None:
                handler.on_writable()
        if now >= self._wake_at:
            self._timers(now)
        if self._stops.count:
            self._stop()

    # What connections and the acceptor ask for

    def interest_changed(self, connection: Connection) -> None:
        """Watch the connection for what it wants now."""
        self.poller.watch(connection.fd, connection.readable(), connection.writable())

    def closed(self, connection: Connection, reason: str) -> None:
        """Forget a connection that is about to close its socket."""
        fd = connection.fd
        self.poller.forget(fd)
        del self.handlers[fd]
        del self._connections[fd]
        self.counters.closed[reason] += 1
        self.log.debug("connection of %s closed: %s", connection.peer, reason)
        self._acceptor.released()

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Hold a newcomer."""
        connection = Connection(self, sock, peer)
        self.handlers[connection.fd] = connection
        self._connections[connection.fd] = connection
        self.poller.watch(connection.fd, True, False)

    def held(self) -> int:
        """Return how many connections are held."""
        return len(self._connections)

    def wake_by(self, when: float) -> None:
        """End the wait at `when` at the latest."""
        self._wake_at = min(self._wake_at, when)

    # Time and the end

    def _timers(self, now: float) -> None:
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            for connection in list(self._connections.values()):
                connection.sweep(now)
        self._wake_at = min(self._next_sweep, self._cut_at)
        self._acceptor.tick()
        if now >= self._cut_at:
            self._cut()

    def _stop(self) -> None:
        again = self._stops.count > 1 or self.draining
        self._stops.count = 0
        if not self.draining:
            self._drain()
        if again:
            self._cut()

    def _drain(self) -> None:
        self.draining = self.service.draining = True
        self._cut_at = self.now + self.service.settings.drain_timeout
        self.wake_by(self._cut_at)
        self._acceptor.close()
        held = self.held()
        for connection in list(self._connections.values()):
            connection.drain()
        self.log.info("stopping: %d connections closed, %d finish first", held - self.held(), self.held())

    def _cut(self) -> None:
        if self._connections:
            self.log.warning("stopping: %d connections cut", self.held())
        for connection in list(self._connections.values()):
            connection.cut()


class _Stops:
    """The handler of the descriptor that stop signals come through: it only counts."""

    def __init__(self, requests: StopRequests) -> None:
        self._requests = requests
        self.count = 0

    def on_readable(self) -> None:
        self.count += self._requests.take()

    def on_writable(self) -> None:
        pass
