"""The readiness loop: one thread that waits for any of its sockets and calls who is concerned.

Strategy: a table from descriptor to handler (listener, signals, connections, refusals) and one look-up for each event;
a handler does what can be done now and never waits. The same loop runs on every poller. Rules:

- Nothing here blocks but `poller.wait`. Log lines go through a ring, figures are read by another thread.
- The clock is read once a turn (`now`); deadlines are looked at once a second, in one sweep over stamps. For thousands
  of connections that is cheaper than a wheel or a heap that has to be kept up with each message. Without an idle time
  the sweep is over those few that have a deadline, so thousands of silent ones cost nothing.
- A handler may end only itself while a turn runs, so whatever is reported has a handler; newcomers are let in, and
  requests to stop acted on, at the turn's end.
- Stop: no newcomers, connections that owe nothing are closed, the others until their replies are out or the time for
  draining is over. A second request cuts at once.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from time import monotonic

from server.monitoring.counters import TURNS
from server.readiness.acceptor import Handler
from server.readiness.connection import Connection
from server.readiness.pollers import Poller
from server.service import Service
from server.system.signals import StopRequests

SWEEP_SECONDS = 1.0


class Loop:
    """Serve the listener of `service` with `poller`, until stopped. The poller is closed at the end."""

    def __init__(self, service: Service, poller: Poller) -> None:
        settings = service.settings
        self.service = service
        self.poller = poller
        self.counters = service.counters
        self.words = service.counters.words
        self.log = service.log
        self.tracing = service.log.debugging
        self.answer = service.answer
        self.reply = service.reply
        self.new_decoder = service.new_decoder
        self.first_size = service.first_size
        self.receive_size = service.receive_size
        self.idle_timeout = settings.idle_timeout
        self.message_timeout = settings.message_timeout
        self.now = monotonic()
        self.draining = False
        self.handlers: dict[int, Handler] = {}
        self._held = 0
        self._minded: set[Connection] = set()
        self._afterwards: list[Callable[[], None]] = []
        self._stops = _Stops(service.stops)
        self._cut_at = float("inf")
        self._next_sweep = self._wake_at = self.now + SWEEP_SECONDS
        self._entrance = service.entrance(self)
        self.handlers[service.stops.fileno()] = self._stops
        poller.watch(service.stops.fileno(), True, False)

    def run(self) -> None:
        """Serve until a request to stop has been carried out."""
        try:
            while self._held or not self.draining:
                self._turns()
                if self.now >= self._wake_at:
                    self._timers(self.now)
                if self._stops.count:
                    self._stop()
        finally:
            self._entrance.close()
            self._cut()
            self.poller.close()

    def _turns(self) -> None:
        """Turn until it is time for something, or a request to stop has come. Nothing here is looked up twice."""
        handlers, words, lag = self.handlers, self.words, self.counters.lag
        wait, stops, draining, afterwards = self.poller.wait, self._stops, self.draining, self._afterwards
        while True:
            before = monotonic()
            lag.away(before)
            readable, writable = wait(self._wake_at - before if self._wake_at > before else 0.0)
            self.now = now = monotonic()
            lag.back(now)
            words[TURNS] += 1
            for fd in readable:
                handlers[fd].on_readable()
            for fd in writable:
                handler = handlers.get(fd)  # It may have ended in the same turn.
                if handler is not None:
                    handler.on_writable()
            while afterwards:
                afterwards.pop()()
            if now >= self._wake_at or stops.count or draining:
                return

    # What connections and the entrance ask for

    def interest_changed(self, connection: Connection) -> None:
        """Watch the connection for what it wants now."""
        self.poller.watch(connection.fd, connection.readable(), connection.writable())

    def mind(self, connection: Connection) -> None:
        """Look at the connection's deadlines from now on."""
        self._minded.add(connection)

    def closed(self, connection: Connection, reason: str) -> None:
        """Forget a connection that is about to close its socket."""
        fd = connection.fd
        self._minded.discard(connection)
        self.poller.forget(fd)
        del self.handlers[fd]
        self._held -= 1
        self.counters.closed[reason] += 1
        if self.tracing:
            self.log.debug("connection of %s closed: %s", connection.peer, reason)
        self._entrance.released()

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Hold a newcomer."""
        connection = Connection(self, sock, peer)
        self.handlers[connection.fd] = connection
        self._held += 1
        self.poller.watch(connection.fd, True, False)

    def held(self) -> int:
        """Return how many connections are held."""
        return self._held

    def wake_by(self, when: float) -> None:
        """End the wait at `when` at the latest."""
        self._wake_at = min(self._wake_at, when)

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call this at the end of the turn."""
        self._afterwards.append(call)

    def _connections(self) -> list[Connection]:
        return [handler for handler in self.handlers.values() if isinstance(handler, Connection)]

    # Time and the end

    def _timers(self, now: float) -> None:
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            for connection in self._connections() if self.idle_timeout else list(self._minded):
                connection.sweep(now)
            self._minded = {connection for connection in self._minded if connection.has_deadline()}
        self._wake_at = min(self._next_sweep, self._cut_at)
        self._entrance.tick()
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
        self._entrance.close()
        held = self.held()
        for connection in self._connections():
            connection.drain()
        self.log.info("stopping: %d connections closed, %d finish first", held - self.held(), self.held())

    def _cut(self) -> None:
        if self._held:
            self.log.warning("stopping: %d connections cut", self.held())
        for connection in self._connections():
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
