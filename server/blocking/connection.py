"""For models that wait: one thread or process that accepts, receives and sends with calls that block.

Strategy: what Connection does in a loop, a Conversation does from the first byte to the last in one call, and whoever
runs it waits meanwhile. So there is no buffer for output and no interest in events: a peer that does not read stops
the one who serves it, and nobody else. Rules:

- Deadlines are timeouts of the socket, set only while one is running: a plain recv is one system call, one with a
  timeout is two.
- A Conversation ends early in two ways, both asked for from outside (another thread, a signal handler): `drain` lets
  it finish what it owes, `cut` does not. They wake it by shutting the socket down, which can't be undone: `drain` does
  so only where the kernel has nothing from the peer that is not accounted for. With anything else it wakes by itself.
- While it drains, it answers what has arrived, `DRAIN_BYTES` or little more, and lets a message that is begun be
  finished.
- Counts are made under a lock, since many threads may share the counters.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from time import monotonic, sleep

from server import protocol
from server.inbox import Inbox
from server.monitoring.counters import BYTES_IN, BYTES_OUT, MESSAGES, REPLIES
from server.monitoring.log import EXCERPT, LogRing
from server.readiness.connection import LINGER_SECONDS, LINGER_SILENCE
from server.service import Service
from server.system.errnos import CAPACITY, NEWCOMER_LOST, PEER_GONE, PEER_LOST, WOULD_BLOCK
from server.system.signals import Stopped

#: Pause after an accept that failed for want of descriptors; at once would spin.
REST_SECONDS = 1.0

#: Bytes that are still taken of one who is drained: what the kernel may hold by then is up to several megabytes.
DRAIN_BYTES = 65_536

#: Where Linux puts how many bytes have come: tcpi_bytes_received of struct tcp_info (an end of input counts as one).
_RECEIVED = struct.Struct("=128xQ")


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


def next_client(service: Service, wait: Callable[[float], None] = sleep) -> tuple[socket.socket, object]:
    """Wait for a newcomer; return its socket and its address. An accept that fails is counted, and tried again.

    `wait` comes before each accept: it rests for so many seconds, and waits for a newcomer if accept does not. Raise
    Stopped when the listener has been shut down, as it is by a parent that ends.
    The loop's lag is how long the caller is away from here, its turns are the accepts.
    """
    counters, rest, exhausted = service.counters, 0.0, False
    while True:
        counters.lag.away(monotonic())
        try:
            wait(rest)
            sock, peer = service.listener.accept()
        except OSError as problem:
            rest = REST_SECONDS if _out_of_descriptors(problem, service) else 0.0
            if rest and not exhausted:
                exhausted = True
                service.log.warning("%s: newcomers wait until there is room", problem)
            continue
        finally:
            counters.lag.back(monotonic())
            counters.turns += 1
        if exhausted:
            service.log.info("descriptors suffice again")
        counters.accepted += 1
        service.log.debug("new connection from %s", peer)
        return sock, peer


def _out_of_descriptors(problem: OSError, service: Service) -> bool:
    """Count an accept that failed; raise what is not to be tried again."""
    if problem.errno == errno.EINVAL:
        raise Stopped from None
    if problem.errno in WOULD_BLOCK:
        return False  # Another process was faster.
    if problem.errno not in CAPACITY and problem.errno not in NEWCOMER_LOST:
        raise problem
    service.counters.accept_errors += 1
    return problem.errno in CAPACITY


def ended_by(problem: Exception) -> str:
    """Return the reason for closing that `problem` is, one of CLOSE_REASONS. What is `failed` must be logged."""
    number = getattr(problem, "errno", None)
    if number in PEER_GONE:
        return "reset"
    return "timed-out" if number in PEER_LOST else "failed"


def log_failure(log: LogRing, peer: object, reason: str, problem: Exception) -> None:
    """Log what ended a connection, if its reason for closing does not say it."""
    if reason == "failed":
        log.error("connection of %s failed: %s", peer, problem)


def reply_to_what_came(service: Service, data: bytes) -> bytes:
    """Return the reply to what one recv brought, taken for a message in either framing: the tutorial's way."""
    # The app is told the message as it would be in line framing; the tutorial's greeting does not look at it.
    return service.reply(data.removesuffix(b"\n") if service.settings.framing == "line" else data)


class Conversation:
    """One connection, served from its first byte to its last by whoever calls `run`."""

    __slots__ = (
        "_allowance",
        "_counting",
        "_cut",
        "_draining",
        "_inbox",
        "_reason",
        "_received",
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
        self._received = 0
        self._allowance = DRAIN_BYTES
        self._waiting = self._draining = self._cut = False
        self.peer = peer

    def run(self) -> None:
        """Serve until the end; count it, and close. Raises nothing that the peer can cause."""
        ending = "cut"
        try:
            self._sock.settimeout(None)
            ending = self._serve()
        except OSError as problem:
            ending = "idle" if _ran_out(problem) else ended_by(problem)
            log_failure(self._service.log, self.peer, ending, problem)
        finally:
            reason = self._reason or ("cut" if self._cut else ending)
            with self._counting:
                self._service.counters.closed[reason] += 1
            self._service.log.debug("connection of %s closed: %s", self.peer, reason)
            self._sock.close()

    # What may be called from outside

    def drain(self) -> bool:
        """Begin no new message, and end when nothing is owed; return whether that is at once."""
        # `_serve` sets `_waiting` and then looks at `_draining`: one of the two always sees the other. And this order
        # below: what had come before the kernel was asked is accounted for, and it is not in hand but waits again.
        self._draining = True
        at_once = not self._unread() and self._waiting and not self._inbox.begun and self._reason is None
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

    def _unread(self) -> bool:
        """Whether something has come that `_receive` has not accounted for: it returns, or is just about to."""
        try:
            info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED.size)
            return int(_RECEIVED.unpack(info)[0]) > self._received
        except (OSError, struct.error):  # It has ended meanwhile, or the kernel does not say.
            return False

    # How it is done

    def _serve(self) -> str:
        """Return the reason for closing."""
        while True:
            self._waiting = True
            patience, reason = self._patience()
            try:
                data = self._receive(patience)
            except (TimeoutError, BlockingIOError) as problem:
                return self._waited(reason, problem)
            if not data:
                return self._end_of_input()
            count, output, fits = self._inbox.take(data, monotonic())
            if count:
                self._answer(count, output)
            if not fits:
                return self._farewell("too-long", protocol.TOO_LONG)
            if self._draining and self._is_enough(len(data), count):
                return self._farewell("drain")

    def _is_enough(self, size: int, count: int) -> bool:
        """Return whether one who is drained has been answered enough, after a recv of `size` bytes."""
        enough = count > 0 and self._allowance <= 0
        self._allowance -= size
        return enough

    def _waited(self, reason: str, problem: OSError) -> str:
        if not _ran_out(problem):
            raise problem
        if reason == "message-timeout":
            return self._farewell(reason, protocol.TIMED_OUT)
        return self._farewell(reason) if reason == "drain" else reason

    def _patience(self) -> tuple[float | None, str]:
        """Return how long the next recv may wait (seconds; None: for ever), and what it is if that is over."""
        settings = self._service.settings
        if self._draining and not self._inbox.begun:
            return 0.0, "drain"
        idle = settings.idle_timeout or None
        if not (self._inbox.begun and settings.message_timeout):
            return idle, "idle"
        left = max(self._inbox.begun_at + settings.message_timeout - monotonic(), 0.001)  # 0 would mean: don't wait
        return (left, "message-timeout") if idle is None or left < idle else (idle, "idle")

    def _receive(self, patience: float | None) -> bytes:
        """Return what comes next, b"" at the end of input; raise TimeoutError after `patience` seconds.

        With a patience of 0 raise BlockingIOError where nothing has come.
        """
        self._set_timeout(patience)
        try:
            data = self._sock.recv(self._service.receive_size)
        finally:
            self._waiting = False
        self._received += len(data)
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
        if self._inbox.begun:
            self._inbox.begun_at = monotonic()  # The peer is not blamed for the time in which nobody read.

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


def _ran_out(problem: OSError) -> bool:
    """Return whether it is a timeout of the socket. The kernel's ETIMEDOUT, a lost peer, is a TimeoutError as well."""
    return problem.errno != errno.ETIMEDOUT and isinstance(problem, TimeoutError | BlockingIOError)
