"""The first way out of one at a time: a thread for each connection, which may wait as long as it likes.

One thread, the main one, lets newcomers in (by the acceptor of the lab's loop, so cap and refusals are the same) and
starts a thread for each; that one serves it with plain blocking calls. What it shows is the price: memory for each
stack, and a switch of threads for each message.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import ClassVar

from server.blocking.connection import Conversation
from server.models.base import Model
from server.readiness.acceptor import Handler
from server.readiness.pollers import EpollPoller
from server.readiness.refusal import say_full
from server.service import Service

TICK_SECONDS = 1.0

#: What threads that were cut have to notice it. One that computes or sleeps does not, and ends with the process.
LEAVE_SECONDS = 1.0

NEVER = float("inf")


class ThreadedModel(Model):
    """A thread for each connection.

    `holdfast_server_loop_lag_seconds` is of the thread that accepts: how long it takes it, among all the others, to let
    in those who wait.
    """

    #: A thread counts as a process: containers and users are often limited to some ten thousand of them.
    default_cap: ClassVar[int | None] = 4000

    def __init__(self) -> None:
        self._poller = EpollPoller()
        # Never closed: a thread that is left behind at the end may still write to it.
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def serve(self, service: Service) -> None:
        """Serve until a request to stop has been carried out."""
        Porter(service, self._poller, self._bell).run()


class Porter:
    """The thread that lets newcomers in, and learns by `bell` (an eventfd) that some have left. The acceptor's host."""

    def __init__(self, service: Service, poller: EpollPoller, bell: int) -> None:
        self.now = monotonic()
        self.counters = service.counters
        self.log = service.log
        self.poller = poller
        self.receive_size = service.receive_size
        self.handlers: dict[int, Handler] = {}
        self._service = service
        self._counting = Lock()
        self._conversations: set[Conversation] = set()
        self._left: SimpleQueue[Conversation] = SimpleQueue()
        self._bell = bell
        self._afterwards: list[Callable[[], None]] = []
        self._wake_at = self.now + TICK_SECONDS
        self._cut_at = self._end_at = NEVER
        self._entrance = service.entrance(self)
        for fd in (bell, service.stops.fileno()):
            poller.watch(fd, True, False)

    def run(self) -> None:
        """Let newcomers in until a request to stop has been carried out."""
        while (self._conversations or not self._service.draining) and self.now < self._end_at:
            self._turn()
        self.poller.close()

    def _turn(self) -> None:
        lag = self.counters.lag
        lag.away(before := monotonic())
        readable, _ = self.poller.wait(max(0.0, min(self._wake_at, self._cut_at, self._end_at) - before))
        self.now = monotonic()
        lag.back(self.now)
        self.counters.turns += 1
        for fd in readable:
            if handler := self.handlers.get(fd):
                handler.on_readable()
        if self._bell in readable:
            os.eventfd_read(self._bell)
            self._part()
        while self._afterwards:
            self._afterwards.pop()()
        if self.now >= self._wake_at:
            self._wake_at = self.now + TICK_SECONDS
            self._entrance.tick()
        self._stop(self._service.stops.take())

    # What the acceptor asks for

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Start a thread for a newcomer."""
        conversation = Conversation(self._service, sock, peer, self._counting)
        try:
            Thread(target=self._serve, args=(conversation,), daemon=True).start()
        except RuntimeError as problem:  # The system has no thread left for this process.
            self.log.error("no thread for %s: %s", peer, problem)
            with self._counting:
                self.counters.closed["failed"] += 1
            say_full(sock)
            sock.close()
        else:
            self._conversations.add(conversation)

    def held(self) -> int:
        """Return how many connections are held."""
        return len(self._conversations)

    def wake_by(self, when: float) -> None:
        """End the wait at `when` at the latest."""
        self._wake_at = min(self._wake_at, when)

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call this at the end of the turn."""
        self._afterwards.append(call)

    # In the thread of a connection

    def _serve(self, conversation: Conversation) -> None:
        try:
            conversation.run()
        finally:
            self._left.put(conversation)
            os.eventfd_write(self._bell, 1)

    # The end

    def _part(self) -> None:
        """Forget those whose thread has ended."""
        with suppress(Empty):
            while True:
                self._conversations.discard(self._left.get_nowait())
                self._entrance.released()

    def _stop(self, requests: int) -> None:
        draining = self._service.draining
        if requests and not draining:
            self._drain()
        if requests > 1 or (requests and draining) or self.now >= self._cut_at:
            self._cut()

    def _drain(self) -> None:
        self._service.draining = True
        self._cut_at = self.now + self._service.settings.drain_timeout
        self._entrance.close()
        self._part()
        closed = sum([conversation.drain() for conversation in self._conversations])
        self.log.info("stopping: %d connections closed, %d finish first", closed, self.held() - closed)

    def _cut(self) -> None:
        if self._conversations:
            self.log.warning("stopping: %d connections cut", self.held())
        for conversation in self._conversations:
            conversation.cut()
        self._cut_at, self._end_at = NEVER, self.now + LEAVE_SECONDS
