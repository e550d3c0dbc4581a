"""A connection that is served with blocking calls, by a thread or process of its own.

Strategy: what the readiness loop does in many calls, `BlockingConnection.run` does in one, from the first byte to the
last; its caller waits meanwhile. So there is no output buffer and no interest in events: a peer that does not read
stops only the thread or process that serves it. Rules:

- Deadlines are timeouts of the socket, set only while one is running: a plain recv is one system call, one with a
  timeout is two.
- Another thread or a signal handler can end a connection early in two ways: `drain` lets it send what is pending, `cut`
  does not. They wake it by shutting the socket down, which can't be undone: `drain` does so only if the kernel has no
  input that is not yet accounted for. With unread input, recv returns by itself.
- While it drains, it answers what has arrived, `DRAIN_BYTES` or little more, and lets an unfinished message be
  completed.
- Counts are made under a lock, because many threads may share the counters.
"""

from __future__ import annotations

import errno
import socket
import struct
from contextlib import suppress
from threading import Lock
from time import monotonic

from server import protocol
from server.inbox import Inbox
from server.monitoring.counters import BYTES_IN, BYTES_OUT, MESSAGES, REPLIES
from server.monitoring.log import EXCERPT_BYTES, log_failure
from server.policy import LINGER_SECONDS, LINGER_SILENCE
from server.service import Service
from server.system.errnos import close_reason

#: Bytes that a draining connection still handles: the kernel may hold several megabytes by then.
DRAIN_BYTES = 65_536

#: Where Linux puts how many bytes have come: tcpi_bytes_received of struct tcp_info (an end of input counts as one).
_BYTES_RECEIVED = struct.Struct("=128xQ")


class BlockingConnection:
    """One connection; `run` serves it from its first byte to its last. `peer` is its address."""

    __slots__ = (
        "_counters_lock",
        "_cut",
        "_drain_budget",
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

    def __init__(self, service: Service, sock: socket.socket, peer: object, counters_lock: Lock | None = None) -> None:
        self._service = service
        self._sock = sock
        self._counters_lock = counters_lock or Lock()
        self._inbox = Inbox(service.wire)
        self._reason: str | None = None
        self._timeout: float | None = None
        self._received = 0
        self._drain_budget = DRAIN_BYTES
        self._waiting = self._draining = self._cut = False
        self.peer = peer

    def run(self) -> None:
        """Serve until the end, count it, and close. Raises nothing that the peer can cause."""
        ending = "cut"
        try:
            self._sock.settimeout(None)
            ending = self._serve()
        except OSError as error:
            ending = "idle" if _is_timeout(error) else close_reason(error)
            log_failure(self._service.log, self.peer, ending, error)
        finally:
            reason = self._reason or ("cut" if self._cut else ending)
            with self._counters_lock:
                self._service.counters.closed[reason] += 1
            self._service.log.debug("connection from %s closed: %s", self.peer, reason)
            self._sock.close()

    # For other threads and signal handlers

    def drain(self) -> bool:
        """Start no new message, and close when nothing is pending; return whether that is now."""
        # `_serve` sets `_waiting` and then reads `_draining`, so one of the two threads always sees the other. Input
        # that came before the kernel is asked below is accounted for, and if the thread waits again, it is answered.
        self._draining = True
        now = not self._has_unread_input() and self._waiting and not self._inbox.has_partial and self._reason is None
        if now:
            self._shut(socket.SHUT_RD)
        return now

    def cut(self) -> None:
        """Close now, whatever is pending."""
        self._cut = True
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        with suppress(OSError):  # It has closed meanwhile.
            self._sock.shutdown(how)

    def _has_unread_input(self) -> bool:
        """Whether input has come that `_receive` has not accounted for: recv returns it, or is about to."""
        try:
            info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
            return int(_BYTES_RECEIVED.unpack(info)[0]) > self._received
        except (OSError, struct.error):  # It has closed meanwhile, or the kernel does not say.
            return False

    # How it is done

    def _serve(self) -> str:
        """Return the reason for closing."""
        while True:
            self._waiting = True
            timeout, reason = self._receive_timeout()
            try:
                data = self._receive(timeout)
            except (TimeoutError, BlockingIOError) as error:
                return self._timed_out(reason, error)
            if not data:
                return self._end_of_input()
            count, output, fits = self._inbox.receive(data, monotonic())
            if count:
                self._answer(count, output)
            if not fits:
                return self._close_gracefully("too-long", protocol.TOO_LONG)
            if self._draining and self._drained_enough(len(data), count):
                return self._close_gracefully("drain")

    def _drained_enough(self, size: int, count: int) -> bool:
        """Return whether a draining connection ends, after a recv of `size` bytes that completed `count` messages."""
        enough = count > 0 and self._drain_budget <= 0
        self._drain_budget -= size
        return enough

    def _timed_out(self, reason: str, error: OSError) -> str:
        if not _is_timeout(error):
            raise error
        if reason == "message-timeout":
            return self._close_gracefully(reason, protocol.TIMED_OUT)
        return self._close_gracefully(reason) if reason == "drain" else reason

    def _receive_timeout(self) -> tuple[float | None, str]:
        """Return how long the next recv may wait (seconds; None: for ever), and the reason for closing after that."""
        settings = self._service.settings
        if self._draining and not self._inbox.has_partial:
            return 0.0, "drain"
        idle = settings.idle_timeout or None
        if not (self._inbox.has_partial and settings.message_timeout):
            return idle, "idle"
        deadline = self._inbox.partial_since + settings.message_timeout
        left = max(deadline - monotonic(), 0.001)  # A timeout of 0 would mean: don't wait.
        return (left, "message-timeout") if idle is None or left < idle else (idle, "idle")

    def _receive(self, timeout: float | None) -> bytes:
        """Return the next input, b"" at its end; raise TimeoutError after `timeout` seconds.

        With a timeout of 0 raise BlockingIOError if nothing has come.
        """
        self._set_timeout(timeout)
        try:
            data = self._sock.recv(self._service.wire.receive_size)
        finally:
            self._waiting = False
        self._received += len(data)
        with self._counters_lock:
            self._service.counters.counts[BYTES_IN] += len(data)
        if self._service.log.debugging and data:
            self._service.log.debug("getting data: %r", data[:EXCERPT_BYTES])
        return data

    def _answer(self, count: int, output: bytes) -> None:
        with self._counters_lock:
            counts = self._service.counters.counts
            counts[MESSAGES] += count
            counts[REPLIES] += count
        self._send(output, self._service.settings.idle_timeout or None)
        if self._inbox.has_partial:
            self._inbox.partial_since = monotonic()  # The time in which nothing was read is not the peer's.

    def _send(self, output: bytes, timeout: float | None) -> None:
        """Send all of it; raise TimeoutError if the peer takes nothing for `timeout` seconds."""
        self._set_timeout(timeout)
        rest = memoryview(output)
        while rest:
            sent = self._sock.send(rest)
            rest = rest[sent:]
            with self._counters_lock:
                self._service.counters.counts[BYTES_OUT] += sent

    def _set_timeout(self, seconds: float | None) -> None:
        if seconds != self._timeout:  # Setting it is a system call.
            self._sock.settimeout(seconds)
            self._timeout = seconds

    def _end_of_input(self) -> str:
        if self._inbox.has_partial:
            with self._counters_lock:
                self._service.counters.unfinished += 1
        elif self._draining:
            return "drain"
        return "client"

    def _close_gracefully(self, reason: str, line: bytes = b"") -> str:
        """Send `line`, then discard input until the peer closes: closing with unread input would send a reset."""
        self._reason = reason
        end = monotonic() + LINGER_SECONDS
        with suppress(TimeoutError):
            self._send(line, LINGER_SILENCE)
            self._sock.shutdown(socket.SHUT_WR)
            while monotonic() < end and self._receive(LINGER_SILENCE):
                pass
        return reason


def _is_timeout(error: OSError) -> bool:
    """Return whether the socket's timeout ran out. The kernel's ETIMEDOUT, a lost peer, is a TimeoutError as well."""
    return error.errno != errno.ETIMEDOUT and isinstance(error, TimeoutError | BlockingIOError)
