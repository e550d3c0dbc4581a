"""One connection of asyncio's loop: a Protocol that asyncio calls when input has come, with a transport for the output.

Strategy: it does what `readiness/connection.py` does for the lab's own loop; the transport's buffer holds the waiting
output. Rules:

- It is a BufferedProtocol, because with one the server decides how much a recv may bring. All connections share one
  buffer: its content is copied out before the next recv.
- Over `HIGH_MARK` of waiting output the transport stops reading, until it is below `LOW_MARK`.
- Bytes count as sent when they have left the transport's buffer. Its size is only known on request, so it is read after
  each write and once a second. A closing transport drops what it can't send: `connection_lost` tells which it was.
- Silence starts when the server is done with the input: the time that an answer takes is not the client's.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Protocol

from server import protocol
from server.inbox import Inbox
from server.monitoring.counters import BYTES_IN, BYTES_OUT, MESSAGES, REPLIES
from server.monitoring.log import EXCERPT_BYTES, log_failure
from server.policy import HIGH_MARK, LINGER_SECONDS, LINGER_SILENCE, LOW_MARK, NEVER
from server.service import Service
from server.system.errnos import close_reason


class ConnectionHub(Protocol):
    """What all connections share. `stopped_at` is when a stop request came (monotonic seconds), NEVER before.

    `drained`: all connections have been asked to drain since then.
    """

    service: Service
    buffer: memoryview
    stopped_at: float
    drained: bool

    @property
    def now(self) -> float:
        """When the turn of the loop started (monotonic seconds)."""
        ...

    def add(self, connection: AsyncioConnection) -> None:
        """Take over a connection that has its transport now."""
        ...

    def remove(self, connection: AsyncioConnection, reason: str) -> None:
        """Forget the connection; its socket is still open."""
        ...


class AsyncioConnection(asyncio.BufferedProtocol):
    """One connection. `_reason` is why it is closing, None while it is kept; `peer` is its address."""

    __slots__ = (
        "_active_at",
        "_closes_at",
        "_hub",
        "_inbox",
        "_input_ended",
        "_paused",
        "_reason",
        "_transport",
        "_unsent",
        "peer",
    )

    _transport: asyncio.Transport

    def __init__(self, hub: ConnectionHub, peer: object) -> None:
        self._hub = hub
        self._inbox = Inbox(hub.service.wire)
        self._active_at = monotonic()
        self._closes_at = NEVER
        self._unsent = 0
        self._paused = self._input_ended = False
        self._reason: str | None = None
        self.peer = peer

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(HIGH_MARK, LOW_MARK)
        self._hub.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer for the next input."""
        return self._hub.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Answer the input."""
        hub = self._hub
        data = bytes(hub.buffer[:nbytes])
        hub.service.counters.counts[BYTES_IN] += nbytes
        if hub.service.log.debugging:
            hub.service.log.debug("getting data: %r", data[:EXCERPT_BYTES])
        if self._reason is None:
            self._handle_input(data)
        # Otherwise it is closing: its input is only read so that no reset is sent.
        self._active_at = monotonic()

    def eof_received(self) -> None:
        """Note the end of input. The transport now sends what it has, and closes."""
        self._input_ended = True
        if self._inbox.has_partial and self._reason is None:
            self._hub.service.counters.unfinished += 1
            self._inbox.partial_since = NEVER

    def pause_writing(self) -> None:
        """Stop reading: too much output waits."""
        self._paused = self._reason is None
        if self._paused:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on: most of the output is sent."""
        self._paused = False
        if self._inbox.has_partial:
            self._inbox.partial_since = self._hub.now  # The time in which nothing was read is not the client's.
        self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the end; asyncio closes the socket next."""
        if exc is None:
            self._hub.service.counters.counts[BYTES_OUT] += self._unsent
        reason = self._reason or ("client" if exc is None else close_reason(exc))
        if exc is not None:
            log_failure(self._hub.service.log, self.peer, reason, exc)
        self._hub.remove(self, reason)

    # What the hub calls

    def check_deadlines(self) -> None:
        """Close the connection if a deadline has passed. Called once a second, so up to a second late."""
        now, settings = self._hub.now, self._hub.service.settings
        self._count_sent()
        if self._reason is not None and not self._unsent:
            self._linger()
        if now >= self._closes_at or (self._closes_at != NEVER and now - self._active_at >= LINGER_SILENCE):
            self._close(self._reason or "cut")
        elif self._message_late(now, settings.message_timeout):
            self._close_gracefully("message-timeout", protocol.TIMED_OUT)
        elif settings.idle_timeout and now - self._active_at >= settings.idle_timeout:
            self._close(self._reason or "idle")

    def drain(self) -> bool:
        """Start no new message, and close when nothing is pending; return whether that is now."""
        self._count_sent()
        message_pending = self._inbox.has_partial and not self._paused
        if self._input_ended or self._reason is not None or message_pending:
            return False
        if self._unsent or self._active_at > self._hub.stopped_at:  # The client may be sending still.
            self._close_gracefully("drain")
            return False
        self._close("drain")
        return True

    def cut(self) -> None:
        """Close now because the server can't wait longer."""
        self._count_sent()
        self._close("cut" if self._unsent or self._reason is None else self._reason)

    # How it is done

    def _handle_input(self, data: bytes) -> None:
        hub = self._hub
        count, output, fits = self._inbox.receive(data, hub.now)
        if count:
            hub.service.counters.counts[MESSAGES] += count
            hub.service.counters.counts[REPLIES] += count
            self._write(output)
        if not fits:
            self._close_gracefully("too-long", protocol.TOO_LONG)
        elif count and hub.drained:
            self._close_gracefully("drain")

    def _write(self, output: bytes) -> None:
        self._unsent += len(output)
        self._transport.write(output)
        self._count_sent()

    def _count_sent(self) -> None:
        unsent = self._transport.get_write_buffer_size()
        if unsent == self._unsent or (not unsent and self._transport.is_closing()):
            return
        self._hub.service.counters.counts[BYTES_OUT] += self._unsent - unsent
        self._unsent = unsent
        self._active_at = monotonic()

    def _message_late(self, now: float, limit: float) -> bool:
        return bool(limit) and self._reason is None and not self._paused and now - self._inbox.partial_since >= limit

    def _close_gracefully(self, reason: str, line: bytes = b"") -> None:
        """Send `line` after the waiting output, ignore further input, and close when all of it has arrived."""
        self._reason = reason
        if line:
            self._write(line)
        if line or not self._unsent:
            self._linger()  # With a line, it starts now: a client that does not read must not delay the end.
        self._transport.write_eof()
        self._transport.resume_reading()

    def _linger(self) -> None:
        if self._closes_at == NEVER:
            self._active_at = monotonic()
            self._closes_at = self._hub.now + LINGER_SECONDS

    def _close(self, reason: str) -> None:
        """Close now, whatever is pending."""
        self._reason = reason
        self._unsent = 0
        self._transport.abort()
