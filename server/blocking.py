"""For models that wait: one thread or process that accepts, receives and sends with calls that block.

Strategy: what Connection does in a loop, a Conversation does from the first byte to the last in one call, and whoever
runs it waits meanwhile. So there is no buffer for output and no interest in events: a peer that does not read stops
the one who serves it, and nobody else. Rules:

- Deadlines are timeouts of the socket, set only while one is running: a plain recv is one system call, one with a
  timeout is two.
- A Conversation ends early in two ways, both asked for from outside (another thread, a signal handler): `drain` lets
  it finish what it owes, `cut` does not. They wake it by shutting the socket down: a recv then returns what has
  arrived already, and after that the end of input.
- Counts are made under a lock, since many threads may share the counters.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from time import monotonic, sleep

from server import protocol
from server.connection import LINGER_SECONDS, LINGER_SILENCE
from server.counters import BYTES_IN, BYTES_OUT, MESSAGES, REPLIES
from server.errnos import CAPACITY, NEWCOMER_LOST, PEER_GONE, PEER_LOST
from server.inbox import Inbox
from server.logring import EXCERPT
from server.service import Service
from server.signals import Stopped

#: Pause after an accept that failed for want of descriptors; at once would spin.
REST_SECONDS = 1.0


def until_stopped(service: Service, turn: Callable[[], None]) -> None:
    """Call `turn` again and again; a stop signal breaks off whatever it waits for.

    Main thread only: signals interrupt nobody else.
    """
    service.listener.setblocking(True)
    try:
        service.stops.interrupting = True
        while not service.stops.take():
            turn()
    except Stopped:
        pass
    finally:
        service.stops.interrupting = False
    service.draining = True
    service.log.info("stopping")


def next_client(service: Service) -> tuple[socket.socket, object]:
    """Wait for a newcomer; return its socket and its address. An accept that fails is counted, and tried again.

    Raise Stopped when the listener has been shut down, as it is by a parent that ends.
    The loop's lag is how long the caller is away from here, its turns are the accepts.
    """
    counters = service.counters
    while True:
        counters.lag.away(monotonic())
        try:
            sock, peer = service.listener.accept()
        except OSError as problem:
            if problem.errno == errno.EINVAL:
                raise Stopped from None
            if problem.errno not in CAPACITY and problem.errno not in NEWCOMER_LOST:
                raise
            counters.accept_errors += 1
            if problem.errno in CAPACITY:
                sleep(REST_SECONDS)
            continue
        finally:
            counters.lag.back(monotonic())
            counters.turns += 1
        counters.accepted += 1
        service.log.debug("new connection from %s", peer)
        return sock, peer


def ended_by(problem: Exception) -> str:
    """Return the reason for closing that `problem` is, one of CLOSE_REASONS."""
    number = getattr(problem, "errno", None)
    if number in PEER_GONE:
        return "reset"
    return "timed-out" if number in PEER_LOST else "failed"


class Conversation:
    """One connection, served from its first byte to its last by whoever calls `run`."""

    __slots__ = (
        "_counting",
        "_cut",
        "_draining",
        "_inbox",
        "_reason",
        "_service",
        "_sock",
        "_timeout",
        "_waiting",
        "peer",
    )

    def __init__(self, service: Service, sock: socket.socket, peer: object, counting: Lock | None = None) -> None:
        self._service = service
        self._sock = sock
        self._counting = counting or Lock()
        self._inbox = Inbox(service)
        self._reason: str | None = None
        self._timeout: float | None = None
        self._waiting = self._draining = self._cut = False
        self.peer = peer

    def run(self) -> None:
        """Serve until the end; count it, and close. Raises nothing that the peer can cause."""
        ending = "cut"
        try:
            self._sock.settimeout(None)
            ending = self._serve()
        except TimeoutError:  # in a send
            ending = "idle"
        except OSError as problem:
            ending = ended_by(problem)
            if ending == "failed":
                self._service.log.error("connection of %s failed: %s", self.peer, problem)
        finally:
            reason = self._reason or ("cut" if self._cut else ending)
            with self._counting:
                self._service.counters.closed[reason] += 1
            self._service.log.debug("connection of %s closed: %s", self.peer, reason)
            self._sock.close()

    # What may be called from outside

    def drain(self) -> bool:
        """Begin no new message, and end when nothing is owed; return whether that is at once."""
        # `_receive` sets `_waiting` and then looks at `_draining`: one of the two always sees the other.
        self._draining = True
        at_once = self._waiting and not self._inbox.begun and self._reason is None
        if at_once:
            self._shut(socket.SHUT_RD)
        return at_once

    def cut(self) -> None:
        """End at once, whatever is owed."""
        self._cut = True
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        with suppress(OSError):  # It has ended meanwhile.
            self._sock.shutdown(how)

    # How it is done

    def _serve(self) -> str:
        """Return the reason for closing."""
        while True:
            patience, reason = self._patience()
            try:
                data = self._receive(patience)
            except TimeoutError:
                return self._farewell(reason, protocol.TIMED_OUT) if reason == "message-timeout" else reason
            if not data:
                return self._end_of_input()
            count, output, fits = self._inbox.take(data, monotonic())
            if count:
                self._answer(count, output)
            if not fits:
                return self._farewell("too-long", protocol.TOO_LONG)
            if count and self._draining:
                return self._farewell("drain")

    def _patience(self) -> tuple[float | None, str]:
        """Return how long the next recv may wait (seconds; None: for ever), and what it is if that is over."""
        settings = self._service.settings
        idle = settings.idle_timeout or None
        if not (self._inbox.begun and settings.message_timeout):
            return idle, "idle"
        left = max(self._inbox.begun_at + settings.message_timeout - monotonic(), 0.001)  # 0 would mean: don't wait
        return (left, "message-timeout") if idle is None or left < idle else (idle, "idle")

    def _receive(self, patience: float | None) -> bytes:
        """Return what comes next, b"" at the end of input; raise TimeoutError after `patience` seconds."""
        self._set_timeout(patience)
        self._waiting = True
        if self._draining and not self._inbox.begun and self._reason is None:
            self._shut(socket.SHUT_RD)
        try:
            data = self._sock.recv(self._service.receive_size)
        finally:
            self._waiting = False
        with self._counting:
            self._service.counters.words[BYTES_IN] += len(data)
        if self._service.log.debugging and data:
            self._service.log.debug("getting data: %r", data[:EXCERPT])
        return data

    def _answer(self, count: int, output: bytes) -> None:
        with self._counting:
            words = self._service.counters.words
            words[MESSAGES] += count
            words[REPLIES] += count
        self._send(output, self._service.settings.idle_timeout or None)

    def _send(self, output: bytes, patience: float | None) -> None:
        """Send all of it; raise TimeoutError when nothing more is taken for `patience` seconds."""
        self._set_timeout(patience)
        rest = memoryview(output)
        while rest:
            sent = self._sock.send(rest)
            rest = rest[sent:]
            with self._counting:
                self._service.counters.words[BYTES_OUT] += sent

    def _set_timeout(self, seconds: float | None) -> None:
        if seconds != self._timeout:  # It is a system call.
            self._sock.settimeout(seconds)
            self._timeout = seconds

    def _end_of_input(self) -> str:
        if self._inbox.begun:
            with self._counting:
                self._service.counters.unfinished += 1
        elif self._draining:
            return "drain"
        return "client"

    def _farewell(self, reason: str, line: bytes = b"") -> str:
        """Say `line`, then throw input away until the peer closes: closing with input unread would be a reset."""
        self._reason = reason
        end = monotonic() + LINGER_SECONDS
        with suppress(TimeoutError):
            self._send(line, LINGER_SILENCE)
            self._sock.shutdown(socket.SHUT_WR)
            while monotonic() < end and self._receive(LINGER_SILENCE):
                pass
        return reason
