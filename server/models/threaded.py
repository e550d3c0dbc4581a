"""The first way out of one at a time: a thread for each connection, which may block as long as it likes.

The main thread accepts connections (with the acceptor of the readiness loop, so cap and refusals are the same) and
starts a thread for each, which serves it with plain blocking calls. The model shows the price: memory for each stack,
and a thread switch for each message.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import ClassVar

from server.blocking.connection import BlockingConnection
from server.interfaces import Handler
from server.models.base import PLAIN, Model, Promise
from server.policy import NEVER, NOTICE_ELSEWHERE_SECONDS
from server.readiness.pollers import EpollPoller
from server.readiness.refusal import send_server_full
from server.service import Service

TICK_SECONDS = 1.0

#: How long cut threads have to notice it. One that computes or sleeps does not, and ends with the process.
CUT_SECONDS = 1.0


class ThreadedModel(Model):
    """A thread for each connection.

    `holdfast_server_loop_lag_seconds` is that of the accepting thread: how long it takes, among all the others, to
    accept the waiting connections.
    """

    exceptions: ClassVar[Mapping[Promise, str]] = {Promise.TLS: PLAIN}
    #: A thread counts as a process: containers and users are often limited to some ten thousand of them.
    default_cap: ClassVar[int | None] = 4000

    def __init__(self) -> None:
        self._poller = EpollPoller()
        # Never closed: a thread that is left over at the end may still write to it.
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def serve(self, service: Service) -> None:
        """Serve until a stop request has been carried out."""
        AcceptLoop(service, self._poller, self._wakeup).run()


class AcceptLoop:
    """The main thread: it accepts connections and starts their threads. The acceptor's host.

    A thread writes to `wakeup` (an eventfd) when its connection has ended.
    """

    notice_seconds: ClassVar[float] = NOTICE_ELSEWHERE_SECONDS

    def __init__(self, service: Service, poller: EpollPoller, wakeup: int) -> None:
        self.now = monotonic()
        self.counters = service.counters
        self.log = service.log
        self.poller = poller
        self.handlers: dict[int, Handler] = {}
        self._service = service
        self._counters_lock = Lock()
        self._connections: set[BlockingConnection] = set()
        self._finished: SimpleQueue[BlockingConnection] = SimpleQueue()
        self._wakeup = wakeup
        self._end_of_turn_calls: list[Callable[[], None]] = []
        self._wake_at = self.now + TICK_SECONDS
        self._cut_at = self._end_at = NEVER
        self._source = service.open_source(self)
        for fd in (wakeup, service.stops.fileno()):
            poller.watch(fd, True, False)

    def run(self) -> None:
        """Accept connections until a stop request has been carried out."""
        while (self._connections or not self._service.draining) and self.now < self._end_at:
            self._turn()
        self.poller.close()

    def _turn(self) -> None:
        lag = self.counters.lag
        lag.turn_ended(before := monotonic())
        readable, _ = self.poller.wait(max(0.0, min(self._wake_at, self._cut_at, self._end_at) - before))
        self.now = monotonic()
        lag.turn_started(self.now)
        self.counters.turns += 1
        for fd in readable:
            if handler := self.handlers.get(fd):
                handler.on_readable()
        if self._wakeup in readable:
            os.eventfd_read(self._wakeup)
            self._remove_finished()
        while self._end_of_turn_calls:
            self._end_of_turn_calls.pop()()
        if self.now >= self._wake_at:
            self._wake_at = self.now + TICK_SECONDS
            self._source.tick()
        self._stop(self._service.stops.read_requests())

    # What the acceptor calls

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Start a thread for a new connection."""
        connection = BlockingConnection(self._service, sock, peer, self._counters_lock)
        try:
            Thread(target=self._serve, args=(connection,), daemon=True).start()
        except RuntimeError as error:  # The system has no thread left for this process.
            self.log.error("can't start a thread for %s: %s", peer, error)
            with self._counters_lock:
                self.counters.closed["failed"] += 1
            send_server_full(sock)
            sock.close()
        else:
            self._connections.add(connection)

    def connection_count(self) -> int:
        """Return how many connections are open."""
        return len(self._connections)

    def wake_by(self, when: float) -> None:
        """End the wait at `when` at the latest."""
        self._wake_at = min(self._wake_at, when)

    def call_at_end_of_turn(self, call: Callable[[], None]) -> None:
        """Call this when all events of the turn have been handled."""
        self._end_of_turn_calls.append(call)

    # In the thread of a connection

    def _serve(self, connection: BlockingConnection) -> None:
        try:
            connection.run()
        finally:
            self._finished.put(connection)
            os.eventfd_write(self._wakeup, 1)

    # Stopping

    def _remove_finished(self) -> None:
        """Forget the connections whose thread has ended."""
        with suppress(Empty):
            while True:
                self._connections.discard(self._finished.get_nowait())
                self._source.connection_closed()

    def _stop(self, requests: int) -> None:
        draining = self._service.draining
        if requests and not draining:
            self._drain()
        if requests > 1 or (requests and draining) or self.now >= self._cut_at:
            self._cut()

    def _drain(self) -> None:
        self._service.draining = True
        self._cut_at = self.now + self._service.settings.drain_timeout
        self._source.close()
        self._remove_finished()
        closed = sum([connection.drain() for connection in self._connections])
        self.log.info("stopping: %d connections closed, %d still draining", closed, self.connection_count() - closed)

    def _cut(self) -> None:
        if self._connections:
            self.log.warning("stopping: %d connections cut", self.connection_count())
        for connection in self._connections:
            connection.cut()
        self._cut_at, self._end_at = NEVER, self.now + CUT_SECONDS
