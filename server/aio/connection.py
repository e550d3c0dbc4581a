"""A connection as asyncio has it: a Protocol, called when something has come, with a transport that keeps the output.

Strategy: what Connection is to the lab's own loop, with the transport's buffer as outbox. Rules:

- It is a BufferedProtocol, because that one says how much a recv may bring. All peers share one buffer: what is in it
  is taken out before the next recv.
- Over `HIGH_MARK` of waiting output the transport reads no more, until it is below `LOW_MARK`.
- Bytes count as sent when the transport has them no more. It tells that when it is asked, so it is asked after each
  write and once a second. One that is closing throws away what it can't send: only its end says which it was.
- Silence begins when the server is done with what came: how long an answer takes is not the client's doing.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Protocol

from server import protocol
from server.blocking.connection import ended_by, log_failure
from server.inbox import NEVER, Inbox
from server.monitoring.counters import BYTES_IN, BYTES_OUT, MESSAGES, REPLIES
from server.monitoring.log import EXCERPT
from server.readiness.connection import HIGH_MARK, LINGER_SECONDS, LINGER_SILENCE, LOW_MARK
from server.service import Service


class Hub(Protocol):
    """What all peers share. `stopped_at` is when a request to stop came (monotonic seconds), NEVER before.

    `drained` is whether all have been asked to drain since.
    """

    service: Service
    buffer: memoryview
    stopped_at: float
    drained: bool

    @property
    def now(self) -> float:
        """When the turn of the loop began (monotonic seconds)."""
        ...

    def arrived(self, peer: Peer) -> None:
        """It has its transport, and may be asked things from now on."""
        ...

    def closed(self, peer: Peer, reason: str) -> None:
        """Forget the peer; its socket is still open at this moment."""
        ...


class Peer(asyncio.BufferedProtocol):
    """One connection. `_reason` is why it is being ended, None while it is kept."""

    __slots__ = (
        "_active_at",
        "_closes_at",
        "_ended",
        "_hub",
        "_inbox",
        "_paused",
        "_reason",
        "_transport",
        "_unsent",
        "address",
    )

    _transport: asyncio.Transport

    def __init__(self, hub: Hub, address: object) -> None:
        self._hub = hub
        self._inbox = Inbox(hub.service)
        self._active_at = monotonic()
        self._closes_at = NEVER
        self._unsent = 0
        self._paused = self._ended = False
        self._reason: str | None = None
        self.address = address

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(HIGH_MARK, LOW_MARK)
        self._hub.arrived(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to put what comes."""
        return self._hub.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Answer what came."""
        hub = self._hub
        data = bytes(hub.buffer[:nbytes])
        hub.service.counters.words[BYTES_IN] += nbytes
        if hub.service.log.debugging:
            hub.service.log.debug("getting data: %r", data[:EXCERPT])
        if self._reason is None:
            self._take(data)
        # Else it is on its way out: its input is read, so that no reset follows, and means nothing.
        self._active_at = monotonic()

    def eof_received(self) -> None:
        """The client has ended its input. The transport now sends what it has, and closes."""
        self._ended = True
        if self._inbox.begun and self._reason is None:
            self._hub.service.counters.unfinished += 1
            self._inbox.begun_at = NEVER

    def pause_writing(self) -> None:
        """Too much output waits: read no more."""
        self._paused = self._reason is None
        if self._paused:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Most of it is gone: read on."""
        self._paused = False
        if self._inbox.begun:
            self._inbox.begun_at = self._hub.now  # The peer is not blamed for the time in which nobody read.
        self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end: asyncio closes the socket next."""
        if exc is None:
            self._hub.service.counters.words[BYTES_OUT] += self._unsent
        reason = self._reason or ("client" if exc is None else ended_by(exc))
        if exc is not None:
            log_failure(self._hub.service.log, self.address, reason, exc)
        self._hub.closed(self, reason)

    # What the hub calls

    def sweep(self) -> None:
        """End the connection if one of its deadlines has passed. Called once a second, so up to a second late."""
        now, settings = self._hub.now, self._hub.service.settings
        self._count_sent()
        if self._reason is not None and not self._unsent:
            self._linger()
        if now >= self._closes_at or (self._closes_at != NEVER and now - self._active_at >= LINGER_SILENCE):
            self._close(self._reason or "cut")
        elif self._is_late(now, settings.message_timeout):
            self._end("message-timeout", protocol.TIMED_OUT)
        elif settings.idle_timeout and now - self._active_at >= settings.idle_timeout:
            self._close(self._reason or "idle")

    def drain(self) -> bool:
        """Begin no new message, and end when nothing is owed; return whether that is at once."""
        self._count_sent()
        begun = self._inbox.begun and not self._paused
        if self._ended or self._reason is not None or begun:
            return False
        if self._unsent or self._active_at > self._hub.stopped_at:  # It may be sending still.
            self._end("drain")
            return False
        self._close("drain")
        return True

    def cut(self) -> None:
        """Close at once because the server can't wait longer."""
        self._count_sent()
        self._close("cut" if self._unsent or self._reason is None else self._reason)

    # How it is done

    def _take(self, data: bytes) -> None:
        hub = self._hub
        count, output, fits = self._inbox.take(data, hub.now)
        if count:
            hub.service.counters.words[MESSAGES] += count
            hub.service.counters.words[REPLIES] += count
            self._write(output)
        if not fits:
            self._end("too-long", protocol.TOO_LONG)
        elif count and hub.drained:
            self._end("drain")

    def _write(self, output: bytes) -> None:
        self._unsent += len(output)
        self._transport.write(output)
        self._count_sent()

    def _count_sent(self) -> None:
        unsent = self._transport.get_write_buffer_size()
        if unsent == self._unsent or (not unsent and self._transport.is_closing()):
            return
        self._hub.service.counters.words[BYTES_OUT] += self._unsent - unsent
        self._unsent = unsent
        self._active_at = monotonic()

    def _is_late(self, now: float, limit: float) -> bool:
        return bool(limit) and self._reason is None and not self._paused and now - self._inbox.begun_at >= limit

    def _end(self, reason: str, line: bytes = b"") -> None:
        """Say `line`, listen no more, and close when it has arrived."""
        self._reason = reason
        if line:
            self._write(line)
        if line or not self._unsent:
            self._linger()  # A line for one who does not read is not waited for.
        self._transport.write_eof()
        self._transport.resume_reading()

    def _linger(self) -> None:
        if self._closes_at == NEVER:
            self._active_at = monotonic()
            self._closes_at = self._hub.now + LINGER_SECONDS

    def _close(self, reason: str) -> None:
        """Close at once, whatever is owed."""
        self._reason = reason
        self._unsent = 0
        self._transport.abort()
