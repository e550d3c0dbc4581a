"""Slow path of a connection; created on demand, dropped when it is empty.

It holds pipelined messages, replies in pieces, unsent bytes, kept replies, pushes, and a receive() that waits. The
rules are in connection.py, and so is the usual case: one message in flight whose reply comes in one read.
"""

import _socket
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from rawsocket.engine.config import ConnectionConfig
from rawsocket.engine.in_flight import InFlight, Receiving, ReplyAssembly, at_receive, check
from rawsocket.engine.reactor import READABLE, WRITABLE
from rawsocket.errors import Closed, RawSocketError, ReplyTimeout, Reset, SendTimeout, TooLong
from rawsocket.measurement.overdue import LATE_AFTER
from rawsocket.wire.payload import Expected
from rawsocket.wire.receive_buffer import ReceiveBuffer

READ_SIZE = 16_384  # bytes of one read
GRACE = 0.05  # seconds that the rest of an unexpected frame may take; it may be an error line cut in two
MAX_KEPT = 10_000  # messages that may wait for a receive()
NEVER = float("inf")


class Channel(Protocol):
    """The connection, as far as its exchange uses it."""

    config: ConnectionConfig
    owner: Any
    exchange: "Exchange | None"
    heard: bool
    message_no: int
    deadline: float

    def write(self, sock: _socket.socket, data: bytes, now: float) -> None:
        """Pass a message to the kernel; keep_unsent() gets what it does not take."""

    def fail(self, failure: RawSocketError) -> RawSocketError:
        """Account for the connection and its messages, end it, and return the failure."""

    def lose(self, failure: RawSocketError) -> None:
        """Fail the connection and report it to the owner."""

    def lost_unread(self, failure: RawSocketError) -> None:
        """Account for the end of the connection, whose last messages the owner has not read yet."""


class Exchange:
    """See the module's rules. `sock` is always the connection's open socket."""

    __slots__ = ("_assembly", "_channel", "_kept", "_received", "_sock", "_unsent", "_unsent_since", "in_flight",
                 "receiving")  # fmt: skip

    def __init__(self, channel: Channel, sock: _socket.socket, in_flight: Iterable[InFlight]) -> None:
        self._channel = channel
        self._sock = sock
        self.in_flight: deque[InFlight] = deque(in_flight)
        self.receiving: Receiving | None = None
        self._received = ReceiveBuffer(channel.config.framing)
        self._assembly = ReplyAssembly()
        self._kept: deque[bytes] = deque()  # checked replies and pushes that wait for a receive()
        self._unsent: memoryview | None = None  # bytes that the kernel did not take, since `_unsent_since`
        self._unsent_since = 0.0

    @property
    def is_sending(self) -> bool:
        """Whether the kernel has not taken all that was sent."""
        return self._unsent is not None

    @property
    def is_unused(self) -> bool:
        """Whether it holds nothing."""
        return not (self.in_flight or self._kept or self._received or self._partial) and (
            self._unsent is None and self.receiving is None
        )

    @property
    def _partial(self) -> int:
        """Bytes of a reply that is not complete."""
        return len(self._assembly.partial) + self._received.pending

    @property
    def _is_current(self) -> bool:
        return self._channel.exchange is self

    def awaited(self) -> list[InFlight]:
        """Return the messages in flight whose replies a call waits for, or that block the sender."""
        if self.receiving is not None or self._unsent is not None:
            return list(self.in_flight)
        return [one for one in self.in_flight if not one.kept or one.expect not in (None, at_receive)]

    # -- sending ------------------------------------------------------------------------------------------------

    def send(self, data: bytes, name: str, expect: Expected, due: float, kept: bool) -> None:
        """Send one message behind others; its reply is `kept` for receive() or goes to `on_reply`."""
        channel = self._channel
        config = channel.config
        if not config.accepts_pushes:
            self.refuse_unread()
        now = time.perf_counter()
        due = min(due or now, now)
        config.recorder.late += now - due > LATE_AFTER
        config.recorder.sent += 1
        channel.message_no += 1
        self.in_flight.append(InFlight(name, due, now, None, expect, kept))
        channel.write(self._sock, data, now)
        self.set_deadline()

    def refuse_unread(self) -> None:
        """Fail the connection, and raise the failure, if unsolicited data has arrived."""
        if not self.in_flight and (self._received or self._received.pending):
            raise self._channel.fail(self._received.unexpected())

    def keep_unsent(self, rest: memoryview, now: float) -> None:
        """Send the rest when the kernel can take more."""
        self._unsent, self._unsent_since = rest, now
        self._channel.config.reactor.take_over(self._sock.fileno(), self._channel, READABLE | WRITABLE)  # type: ignore[arg-type]
        self.set_deadline()

    def on_writable(self) -> None:
        """Send more: the kernel can take it."""
        unsent, config = self._unsent, self._channel.config
        if unsent is None:
            return
        try:
            sent = self._sock.send(unsent)
        except BlockingIOError:
            return
        except OSError as error:
            self._channel.lose(self.send_failure(error))
            return
        config.recorder.bytes_sent += sent
        if sent < len(unsent):
            self._unsent = unsent[sent:]
            return
        self._unsent = None
        config.reactor.take_over(self._sock.fileno(), self._channel, READABLE)  # type: ignore[arg-type]
        self.set_deadline()
        self._channel.owner.on_writable()
        self._tidy()

    def send_failure(self, error: OSError) -> RawSocketError:
        """Return why a send failed: an error line that arrived before the reset explains it better."""
        try:
            data = self._sock.recv(READ_SIZE)
        except OSError:
            data = b""
        if data:
            self._feed(data, time.perf_counter())
        return self._received.failure() or Reset(f"send: {error}")

    # -- receiving ----------------------------------------------------------------------------------------------

    def receive(self, timeout: float | None, name: str | None, expect: Expected) -> bytes | None:
        """See Connection.receive()."""
        if self._kept:
            return self._kept.popleft()
        if self.in_flight and self.in_flight[0].expect is at_receive:
            oldest = self.in_flight[0]
            self.in_flight[0] = oldest._replace(name=name or oldest.name, expect=expect)
        config = self._channel.config
        seconds = config.reply_timeout if timeout is None else timeout
        if seconds < config.reply_timeout:
            config.deadlines.at_least(seconds)
        now = time.perf_counter()
        self.receiving = Receiving(name or "receive", expect, now, now + seconds)
        self.set_deadline()
        return None

    def stop_receiving(self) -> None:
        """Withdraw a receive() that still waits."""
        if self.receiving is not None:
            self.receiving = None
            self.set_deadline()

    def read(self, data: bytes, now: float) -> None:
        """Handle the data of one read; no data: the end of the stream."""
        if not data:
            came = self._partial
            self.end_of_stream(Closed(f"by the server, {came} bytes into a reply" if came else "by the server"))
            return
        self._feed(data, now)
        self.deliver()

    def end_of_stream(self, failure: RawSocketError) -> None:
        """Fail the connection at the end of the stream, after the owner has read what came before it."""
        if self._received and self._channel.owner.reads_later:
            self._channel.config.reactor.ignore(self._sock.fileno())
            self._received.end(failure, time.perf_counter())
            if not self.in_flight and self.receiving is None:
                self._channel.lost_unread(failure)
            return
        self._channel.lose(failure)

    def deliver(self) -> None:
        """Pass received messages to the owner, which may send, close or reconnect at each of them."""
        while self._received and self._is_current:
            if not self._is_awaited():
                self._not_awaited()
                break
            try:
                self._match(*self._received.take())
            except RawSocketError as failure:
                self._channel.lose(failure)
                return
        self._tidy()

    def timed_out(self) -> RawSocketError:
        """Return the failure to report when the deadline passes."""
        if self._unsent is not None:
            return SendTimeout(f"{len(self._unsent)} bytes were left")
        if self.in_flight or self.receiving:
            return ReplyTimeout(f"{self._partial} bytes had come")
        return self._received.unexpected()

    def _feed(self, data: bytes, now: float) -> None:
        self._channel.config.recorder.bytes_received += len(data)
        self._channel.heard = True
        self._received.feed(data, now, bool(self._assembly.partial))

    def _is_awaited(self) -> bool:
        """Return whether the next message is a reply that can be checked, or a push that will be taken."""
        if self.receiving is not None:
            return True
        if self.in_flight:
            return self.in_flight[0].expect is not at_receive
        return self._channel.config.accepts_pushes

    def _not_awaited(self) -> None:
        if not self._channel.owner.reads_later:
            failure = self._received.failure() if self.in_flight else self._received.unexpected()
            if failure is not None:
                self._channel.lose(failure)

    def _match(self, message: bytes, at: float, first: float) -> None:
        """Pass a message to the call or callback that waits for it. Raises the failure if it is wrong."""
        if not self.in_flight:
            self._push(message, at)
            return
        flight, channel = self.in_flight[0], self._channel
        complete = self._assembly.add(channel.config.framing, flight.expect, message, first)
        if complete is None:
            return
        reply, first = complete
        self.in_flight.popleft()
        times = at - flight.due, at - flight.sent, first - flight.sent
        channel.config.accounting.answer(channel, flight.name, times, len(reply))  # type: ignore[arg-type]
        if not flight.kept:
            self.set_deadline()
            channel.owner.on_reply(reply)
        elif self.receiving is not None:
            self._hand_over(reply)
        else:
            self.set_deadline()
            self._kept.append(reply)
            channel.owner.on_kept()

    def _push(self, message: bytes, at: float) -> None:
        """Handle an unsolicited message."""
        receiving, channel = self.receiving, self._channel
        if receiving is None:
            self._kept.append(message)
            channel.config.recorder.pushed += 1
            if len(self._kept) > MAX_KEPT:
                raise TooLong(f"more than {MAX_KEPT} messages arrived and were not received by the session")
            return
        check(receiving.expect, message)
        channel.config.accounting.push(channel, receiving.name, at - receiving.since, len(message))  # type: ignore[arg-type]
        self._hand_over(message)

    def _hand_over(self, message: bytes) -> None:
        self.receiving = None
        self.set_deadline()
        self._channel.owner.on_received(message)

    # -- its deadline and its end -------------------------------------------------------------------------------

    def set_deadline(self) -> None:
        """Set the connection's deadline: the earliest of what is outstanding."""
        config, deadline = self._channel.config, NEVER
        if self.receiving is not None:
            deadline = self.receiving.until
        elif self.in_flight and self.in_flight[0].expect is not at_receive:
            deadline = self.in_flight[0].sent + config.reply_timeout
        if self._unsent is not None:
            deadline = min(deadline, self._unsent_since + config.send_timeout)
        self._channel.deadline = deadline

    def _tidy(self) -> None:
        """Detach from the connection if empty; start the grace timeout if unexpected bytes are pending."""
        channel = self._channel
        if not self._is_current:
            return
        if self.is_unused:
            channel.exchange = None
        elif self._received.pending and not (self.in_flight or channel.owner.reads_later or self._is_awaited()):
            channel.deadline = min(channel.deadline, time.perf_counter() + GRACE)
