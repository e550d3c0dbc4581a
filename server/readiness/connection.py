"""One connection of a readiness loop: its unfinished message, its waiting output, its deadlines.

Strategy: the loop calls `on_readable` and `on_writable` when the kernel reports the socket, and `check_deadlines` once
a second. A connection acts at once (a reply goes out in the turn its message came in) and calls its host only when the
events that it wants have changed. It knows no poller. Most of the time nothing waits, nothing is unfinished, and input
is whole messages: such a connection is on the `_fast_path`, with neither decoder nor outbox. Rules:

- What a short write left over is kept, and writability is watched only while something is left.
- Over `HIGH_MARK` of waiting output reading pauses, until it is below `LOW_MARK`: a peer that never reads costs one
  high mark and the replies to one recv, never more. TCP_USER_TIMEOUT ends it (see `system/listener.py`), and so does
  the idle timeout if one is set.
- End of input: waiting replies are sent, then the socket is closed. The kernel would report it for ever, so it is no
  longer watched for reading.
- Silence starts when the server is done with the input: the time that an answer takes is not the peer's.
- A connection that the server closes while its peer may still be sending lingers: writing is shut down and input is
  discarded, until the peer closes, is silent for `LINGER_SILENCE`, or `LINGER_SECONDS` are over. With unread input, the
  close would send a reset, which may destroy the last line on its way.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from time import monotonic
from typing import Protocol

from server import protocol
from server.interfaces import ByteStream
from server.monitoring.counters import BYTES_IN, BYTES_OUT, MESSAGES, REPLIES, Counters, Counts
from server.monitoring.log import EXCERPT_BYTES, LogRing
from server.policy import HIGH_MARK, LINGER_SECONDS, LINGER_SILENCE, LOW_MARK, NEVER
from server.settings import Settings
from server.system.errnos import close_reason
from server.system.listener import peer_address


class ConnectionHost(Protocol):
    """What a connection needs of its loop. Times are monotonic seconds."""

    now: float
    draining: bool
    counters: Counters
    counts: Counts
    log: LogRing
    settings: Settings
    wire: protocol.Wire

    def interest_changed(self, connection: Connection) -> None:
        """Watch what `readable()` and `writable()` return now."""
        ...

    def watch_deadline(self, connection: Connection) -> None:
        """Call `check_deadlines` once a second from now on, as long as `has_deadline()`."""
        ...

    def remove(self, connection: Connection, reason: str) -> None:
        """Forget the connection, which closes for this reason; its socket is still open."""
        ...


class Connection:
    """One connection. `reason` is why it is closing, None while it is kept; `open` is false when it is closed.

    `peer` is its address, kept only if every connection is logged.
    """

    __slots__ = (
        "_active_at",
        "_closes_at",
        "_decoder",
        "_fast_path",
        "_host",
        "_input_ended",
        "_message_at",
        "_outbox",
        "_paused",
        "_sock",
        "fd",
        "open",
        "peer",
        "reason",
    )

    def __init__(self, host: ConnectionHost, sock: ByteStream, peer: object) -> None:
        self._host = host
        self._sock = sock
        self._decoder: protocol.Decoder | None = None  # It holds an unfinished message.
        self._outbox: bytearray | None = None
        # Maintained only with an idle timeout, and while the connection lingers: a float is 24 bytes.
        self._active_at = monotonic() if host.settings.idle_timeout else 0.0
        self._message_at = NEVER
        self._closes_at = NEVER
        self._paused = False
        self._input_ended = False
        self._fast_path = not (host.log.debugging or host.draining)
        self.fd = sock.fileno()
        self.peer = peer if host.log.debugging else None
        self.open = True
        self.reason: str | None = None

    def readable(self) -> bool:
        """Whether to watch for input: not after its end, and not while too many replies wait."""
        return not (self._input_ended or self._paused)

    def writable(self) -> bool:
        """Whether to watch for writability: only while output waits, because a socket is nearly always writable."""
        return self._outbox is not None

    def on_readable(self) -> None:
        """Receive what has arrived, and answer the messages in it."""
        host = self._host
        wire = host.wire
        try:
            data = self._sock.recv(wire.first_size)
            if len(data) == wire.first_size:
                data = self._receive_more(data)
        except OSError as error:
            self._socket_failed(error)
            return
        if self._fast_path and (answered := wire.answer(data)):
            counts = host.counts
            counts[BYTES_IN] += len(data)
            count, output = answered
            counts[MESSAGES] += count
            counts[REPLIES] += count
            self._send(output)
        elif data:
            self._handle_input(data, host.draining)
        else:
            self._end_of_input()
        if host.settings.idle_timeout:
            self._active_at = monotonic()

    def on_writable(self) -> None:
        """Send waiting output."""
        outbox = self._outbox
        if outbox is None:
            return  # Reported in the same turn that sent the rest.
        try:
            sent = self._sock.send(outbox)
        except OSError as error:
            self._socket_failed(error)
            return
        del outbox[:sent]
        self._host.counts[BYTES_OUT] += sent
        self._active_at = monotonic()
        if not outbox:
            self._all_sent()
        elif self._paused and len(outbox) <= LOW_MARK:
            self._resume()

    def has_deadline(self) -> bool:
        """Whether a deadline is set, besides the idle timeout, which all connections have or none."""
        return self._message_at != NEVER or self._closes_at != NEVER

    def check_deadlines(self, now: float) -> None:
        """Close if a deadline has passed. Called once a second, so up to a second late."""
        idle_timeout = self._host.settings.idle_timeout
        if self._lingered(now):
            self.close(self.reason or "cut")
        elif self._message_late(now):
            self.close_gracefully("message-timeout", protocol.TIMED_OUT)
        elif idle_timeout and now - self._active_at >= idle_timeout:
            self.close(self.reason or "idle")

    def drain(self) -> None:
        """Answer what has arrived, let an unfinished message be completed, then close. The host drains already."""
        self._fast_path = False
        received = self._receive_all()
        message_pending = self._decoder is not None and not self._paused
        if not self.open or self._input_ended or self.reason is not None or message_pending:
            return
        if received or self._outbox:
            self.close_gracefully("drain")
        else:
            self.close("drain")

    def close_gracefully(self, reason: str, line: bytes = b"") -> None:
        """Send `line` after the waiting output, ignore further input, and close when all of it has arrived."""
        if not self.open:
            return
        self.reason = reason
        self._fast_path = False
        self._decoder = None
        self._message_at = NEVER
        self._paused = False
        if line:
            self._linger()  # Starts now: a peer that does not read must not delay the end.
            self._send(line)
        if self.open and self._outbox is None:
            self._all_sent()
        elif self.open:
            self._host.interest_changed(self)

    def cut(self) -> None:
        """Close now because the server can't wait longer. If all output is sent, an earlier reason remains."""
        self.close("cut" if self._outbox or self.reason is None else self.reason)

    def close(self, reason: str) -> None:
        """Close now, whatever is pending; a second call does nothing."""
        if not self.open:
            return
        self.open = False
        self._host.remove(self, reason)
        self._sock.close()

    # Input

    def _receive_more(self, data: bytes) -> bytes:
        receive_size = self._host.wire.receive_size
        if receive_size > len(data):
            with suppress(BlockingIOError):
                data += self._sock.recv(receive_size)
        return data

    def _receive_all(self) -> int:
        """Handle what has arrived and return its bytes; little more than `HIGH_MARK`, as a peer may send for ever."""
        received = 0
        while self.open and self.reason is None and self.readable() and received < HIGH_MARK:
            try:
                data = self._sock.recv(self._host.wire.receive_size)
            except OSError as error:
                self._socket_failed(error)
                break
            if data:
                self._handle_input(data)
            else:
                self._end_of_input()
            received += len(data)
        return received

    def _handle_input(self, data: bytes, last: bool = False) -> None:
        """Handle any input: the slow path. `last`: the connection closes after a message that `data` completes."""
        host = self._host
        host.counts[BYTES_IN] += len(data)
        if host.log.debugging:
            host.log.debug("getting data: %r", data[:EXCERPT_BYTES])
        if self.reason is not None:
            self._active_at = monotonic()
            return  # The connection is closing: its input is only read so that no reset is sent.
        decoder = self._decoder or host.wire.new_decoder()
        try:
            messages = decoder.feed(data)
        except protocol.TooLong as error:
            self._answer(error.messages)
            self.close_gracefully("too-long", protocol.TOO_LONG)
            return
        self._decoder = decoder if decoder.inbox else None
        if self._decoder is None:
            self._message_at = NEVER
        elif messages or self._message_at == NEVER:
            self._message_at = host.now
            host.watch_deadline(self)
        self._answer(messages)
        if messages and last:
            self.close_gracefully("drain")
        self._update_fast_path()

    def _end_of_input(self) -> None:
        self._input_ended = True
        if self._decoder is not None:
            self._host.counters.unfinished += 1
            self._decoder = None
            self._message_at = NEVER
        if self._outbox is None:
            self.close(self.reason or "client")
        else:
            self._host.interest_changed(self)

    def _update_fast_path(self) -> None:
        host = self._host
        nothing_pending = self._outbox is None and self._decoder is None and self.reason is None
        self._fast_path = nothing_pending and not (self._input_ended or host.log.debugging or host.draining)

    # Output

    def _answer(self, messages: list[bytes]) -> None:
        if messages:
            counts = self._host.counts
            counts[MESSAGES] += len(messages)
            counts[REPLIES] += len(messages)
            self._send(b"".join(map(self._host.wire.reply, messages)))

    def _send(self, output: bytes) -> None:
        outbox = self._outbox
        if outbox is None:
            try:
                sent = self._sock.send(output)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                self._socket_failed(error)
                return
            self._host.counts[BYTES_OUT] += sent
            if sent == len(output):
                return
            outbox = self._outbox = bytearray()
            output = output[sent:]
            self._fast_path = False
        outbox += output
        # While the connection lingers, input is discarded and adds no output.
        self._paused = len(outbox) > HIGH_MARK and self.reason is None
        self._host.interest_changed(self)

    def _resume(self) -> None:
        self._paused = False
        if self._decoder is not None:
            self._message_at = self._host.now  # The time in which nothing was read is not the peer's.
        self._host.interest_changed(self)

    def _all_sent(self) -> None:
        self._outbox = None
        if self._input_ended:
            self.close(self.reason or "client")
            return
        if self.reason is not None:
            try:
                self._sock.shutdown(socket.SHUT_WR)
            except OSError as error:
                self._socket_failed(error)
                return
            self._linger()
        self._update_fast_path()
        if self._paused:
            self._resume()
        else:
            self._host.interest_changed(self)

    def _linger(self) -> None:
        self._active_at = monotonic()
        self._closes_at = self._host.now + LINGER_SECONDS
        self._host.watch_deadline(self)

    def _lingered(self, now: float) -> bool:
        return self._closes_at != NEVER and (now >= self._closes_at or now - self._active_at >= LINGER_SILENCE)

    def _message_late(self, now: float) -> bool:
        limit = self._host.settings.message_timeout
        return limit > 0 and self.reason is None and not self._paused and now - self._message_at >= limit

    def _socket_failed(self, error: OSError) -> None:
        if isinstance(error, BlockingIOError):
            return
        reason = close_reason(error)
        if reason == "failed":
            self._host.log.error("connection from %s failed: %s", self.peer or peer_address(self._sock), error)
            self.close(reason)
        else:
            self.close(self.reason or reason)
