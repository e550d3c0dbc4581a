"""Slow path of a connection; created on demand, dropped when it is empty (unless it is `permanent`).

It holds pipelined messages, replies in pieces, unsent bytes, kept replies, pushes, and a receive() that waits. The
rules are in connection.py, and so is the usual case: one message in flight whose reply comes in one read.
"""

import _socket
import time
from collections.abc import Callable, Iterable
from ssl import SSLError
from typing import Any, Protocol

from rawsocket.engine.config import ConnectionConfig
from rawsocket.engine.connect.os_errors import stream_failure
from rawsocket.engine.exchange.in_flight import KEPT, NOBODY, InFlight, Receiving, Reply, Until, at_receive
from rawsocket.engine.exchange.receiver import Receiver
from rawsocket.engine.exchange.sender import NEVER, Sender
from rawsocket.engine.exchange.throttle import Flow
from rawsocket.engine.reactor import Handler, Reactor
from rawsocket.errors import Closed, RawSocketError, ReplyTimeout, SendTimeout
from rawsocket.measurement.overdue import LATE_AFTER
from rawsocket.wire.framing import Framing
from rawsocket.wire.payload import Expected

READ_SIZE = 16_384  # bytes of one read
GRACE = 0.05  # seconds that the rest of an unexpected frame may take; it may be an error line cut in two


class Channel(Handler, Protocol):
    """The connection, as far as its exchange uses it."""

    config: ConnectionConfig
    owner: Any
    exchange: "Exchange | None"
    flags: int
    message_no: int
    deadline: float

    def fail(self, failure: RawSocketError) -> RawSocketError:
        """Account for the connection and its messages, end it, and return the failure."""

    def lose(self, failure: RawSocketError) -> None:
        """Fail the connection and report it to the owner."""

    def close(self) -> None:
        """Close the connection, as the client's own decision."""

    def take_back(self, message: InFlight) -> None:
        """Go on without the exchange: all that it holds is this request."""


class Exchange:
    """See the module's rules. `sock` is always the connection's open socket."""

    __slots__ = ("_channel", "_framing", "_reads", "end_is_recorded", "has_heartbeats", "in_flight", "permanent",
                 "receiver", "sender", "sent_at", "sock")  # fmt: skip

    def __init__(self, channel: Channel, sock: _socket.socket, in_flight: Iterable[InFlight]) -> None:
        self._channel = channel
        self.sock = sock
        self._framing = channel.config.framing
        self.permanent = channel.config.needs_exchange
        self.receiver = Receiver(self, channel, in_flight)
        self.in_flight = self.receiver.in_flight
        self.sender = Sender(self, channel.config, sock, channel)
        self._reads: Flow | None = None  # of a slow client
        self.end_is_recorded = False  # whether the end of the connection is in the accounts, before it is closed
        self.sent_at = 0.0  # when the last message was sent
        self.has_heartbeats = True  # whether heartbeats, if there are any, go on

    @property
    def is_sending(self) -> bool:
        """Whether the kernel has not taken all that was sent."""
        return self.sender.is_sending

    @property
    def is_shut(self) -> bool:
        """Whether nothing may be sent any more."""
        return self.sender.is_shut

    @property
    def is_unused(self) -> bool:
        """Whether it holds nothing."""
        return self.receiver.is_unused and not (self.permanent or self.is_sending)

    @property
    def is_current(self) -> bool:
        """Whether the connection still has this exchange."""
        return self._channel.exchange is self

    @property
    def reactor(self) -> Reactor:
        """Where its timers are."""
        return self._channel.config.reactor

    @property
    def receiving(self) -> Receiving | None:
        """The receive() that waits, if any."""
        return self.receiver.receiving

    def awaited(self) -> list[InFlight]:
        """Return the messages in flight whose replies a call waits for, or that block the sender."""
        if self.receiving is not None or self.is_sending:
            return [*self.in_flight, *self.sender.one_way]
        return [one for one in self.in_flight if one.to != KEPT or one.expect not in (None, at_receive)]

    # -- sending ------------------------------------------------------------------------------------------------

    def send(
        self, payload: bytes, name: str, expect: Expected, due: float, to: int, until: Until | None = None
    ) -> None:
        """Send one message behind others; `to` says who gets its reply (see in_flight.py)."""
        config = self._channel.config
        key = self._channel.owner.handlers.request_key(payload) if config.matches_by_key else None
        data, now, due = self._start(payload, due)
        self.in_flight.add(InFlight(name, due, now, expect, to, until, key))
        self._sent(due, now)
        self._pass_on(data, now)

    def send_one_way(self, payload: bytes, name: str, due: float) -> None:
        """Send one message that gets no reply."""
        self.permanent = True  # the next one is likely to follow; to begin anew each time would cost more
        data, now, due = self._start(payload, due)
        self._sent(due, now)
        self._pass_on(data, now, InFlight(name, due, now, None, NOBODY, size=len(payload)))

    def send_raw(self, data: bytes) -> None:
        """Send bytes that are no message."""
        self.sender.refuse_after_shutdown()
        self._pass_on(data, time.perf_counter())

    def send_part(self, payload: bytes, size: int) -> None:
        """Send the first `size` bytes of a message with its frame; they count as no message."""
        self.send_raw(self._framing.encode(payload)[:size])

    def _start(self, payload: bytes, due: float) -> tuple[bytes, float, float]:
        if self.sender.is_shut:
            self.sender.refuse_after_shutdown()
        data = self._framing.encode(payload)
        if not (self.in_flight or self._channel.config.accepts_pushes):
            self.refuse_unread()
        now = time.perf_counter()
        return data, now, min(due or now, now)

    def _sent(self, due: float, now: float) -> None:
        recorder = self._channel.config.recorder
        recorder.late += now - due > LATE_AFTER
        recorder.sent += 1
        self._channel.message_no += 1
        self.sent_at = now

    def _pass_on(self, data: bytes, now: float, one_way: InFlight | None = None) -> None:
        """Pass bytes to the kernel. Raises the failure of the connection."""
        try:
            self.sender.send(data, now, one_way)
        except OSError as error:
            raise self._channel.fail(self.send_failure(error)) from None
        self.set_deadline()

    def keep_unsent(self, rest: memoryview, now: float) -> None:
        """Send the rest of a message when the kernel can take more."""
        self.sender.keep(rest, now)
        self.set_deadline()

    def shut_down(self) -> None:
        """Send no more, once the kernel has taken what waits: the server sees the end of the stream."""
        self.permanent = True
        self.sender.shut_down()

    def throttle(self, send: float | None, receive: float | None) -> None:
        """Send and read at most so many bytes a second from now on; None: no limit."""
        self.permanent = True
        self.sender.throttle(None if send is None else Flow(self, send, self.sender.send_some))
        if self._reads is not None:
            self._reads.stop()
        self._reads = None if receive is None else Flow(self, receive, self._read_some)
        self.sender.reads = receive is None
        self.sender.watch()

    def send_failed(self, error: OSError) -> None:
        """Fail the connection: a later send has failed."""
        self._channel.lose(self.send_failure(error))

    def drained(self) -> None:
        """Go on: the kernel has taken all that was sent."""
        self.set_deadline()
        self._channel.owner.on_writable()
        self._tidy()

    def send_failure(self, error: OSError) -> RawSocketError:
        """Return why a send failed: an error line or TLS's reason, if it came before the reset, explains it better."""
        try:
            data = self.sock.recv(READ_SIZE)
            if data:
                self.receiver.feed(data, time.perf_counter())
        except SSLError as read:
            error = read
        except (OSError, RawSocketError):
            pass
        return self.receiver.failure() or stream_failure(error, "send")

    # -- receiving ----------------------------------------------------------------------------------------------

    def receive(self, wanted: Receiving) -> Reply | None:
        """See Connection.receive()."""
        try:
            message = self.receiver.receive(wanted)
        except RawSocketError as failure:
            raise self._channel.fail(failure) from failure.__cause__
        if message is None and wanted.until - wanted.since < self._channel.config.reply_timeout:
            self._channel.config.deadlines.at_least(wanted.until - wanted.since)
        self.set_deadline()
        return message

    def stop_receiving(self) -> None:
        """Withdraw a receive() that still waits."""
        if self.receiver.receiving is not None:
            self.receiver.receiving = None
            self.set_deadline()

    def read(self, data: bytes, now: float) -> None:
        """Handle the data of one read; no data: the end of the stream."""
        if not data:
            self.permanent = True  # it still has to report the end
        self._handle(self.receiver.feed, data, now)
        if not data and self.is_current:
            came = self.receiver.partial
            self.end_of_stream(Closed(f"by the server, {came} bytes into a reply" if came else "by the server"))

    def gap(self) -> None:
        """Handle that nothing has arrived for the framing's gap."""
        if self.is_current:
            self._handle(self.receiver.gap)

    def _handle(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function that handles what arrived, and deliver the messages."""
        try:
            function(*args)
            self.receiver.deliver()
        except RawSocketError as failure:
            if self.is_current:
                self._channel.lose(failure)
        else:
            self._tidy()

    def _read_some(self, limit: int) -> None:
        try:
            data = self.sock.recv(limit)
        except BlockingIOError:
            return
        except OSError as error:
            self.end_of_stream(stream_failure(error, "recv"))
            return
        self.read(data, time.perf_counter())

    def end_of_stream(self, failure: RawSocketError) -> None:
        """Fail the connection at the end of the stream, after the owner has read what came before it."""
        receiver = self.receiver
        if receiver.has_unread and self._channel.owner.reads_later:
            self.reactor.ignore(self.sock.fileno())
            failure = receiver.end(failure)
            # Then it is not held any more, even if the owner never reads what came before the end.
            if not receiver.is_waiting:
                self._channel.config.accounting.lost(self._channel, failure, (), None, False)  # type: ignore[arg-type]
                self.end_is_recorded = True
        elif self.sender.is_shut and isinstance(failure, Closed) and not (receiver.is_waiting or self.is_sending):
            self.end_in_order()
        else:
            self._channel.lose(failure)

    def end_in_order(self) -> None:
        """Close the connection, since the server has ended it as expected, and tell the owner."""
        self._channel.close()
        self._channel.owner.on_ended()

    def deliver(self) -> None:
        """Pass received messages to the owner, which may send, close or reconnect at each of them."""
        self._handle(_nothing)

    def refuse_unread(self) -> None:
        """Fail the connection, and raise the failure, if unsolicited data has arrived."""
        if not self.in_flight and self.receiver.has_unread_bytes:
            raise self._channel.fail(self.receiver.unexpected())

    def timed_out(self) -> RawSocketError:
        """Return the failure to report when the deadline passes."""
        if self.sender.deadline <= self._channel.deadline < NEVER:
            return SendTimeout(f"{self.sender.waiting} bytes were left")
        if self.receiver.is_waiting:
            return ReplyTimeout(f"{self.receiver.partial} bytes had come")
        return self.receiver.unexpected()

    # -- its framing, its deadline and its end ------------------------------------------------------------------

    def set_framing(self, framing: Framing) -> None:
        """Send and receive with another framing from here on; unread bytes belong to it, too."""
        self.receiver.change_framing(framing)
        self._framing = framing
        self.permanent = True

    def take_undecoded(self) -> bytes:
        """Take all bytes that have arrived and were not delivered; from here on the exchange stays."""
        self.permanent = True
        return self.receiver.take_undecoded()

    def replace_socket(self, sock: Any) -> None:
        """Go on with another socket on the same descriptor: one that encrypts."""
        self.sock = self.sender.sock = sock

    def disown(self) -> None:
        """Let nobody wait for the replies to the messages in flight any more, and end the heartbeats."""
        self.stop_heartbeats()
        for message in self.in_flight:
            message.to = NOBODY
        self.stop_receiving()

    def stop_heartbeats(self) -> None:
        """Let no more heartbeats be sent."""
        self.permanent = True
        self.has_heartbeats = False

    def set_deadline(self) -> None:
        """Set the connection's deadline: the earliest of what is outstanding."""
        channel, oldest, receiving = self._channel, self.in_flight.oldest, self.receiver.receiving
        deadline = NEVER if receiving is None else receiving.until
        if oldest is not None and oldest.expect is not at_receive and (receiving is None or oldest.to != KEPT):
            deadline = min(deadline, oldest.sent + channel.config.reply_timeout)
        channel.deadline = min(deadline, self.sender.deadline) if self.sender.is_sending else deadline

    def _tidy(self) -> None:
        """Detach from the connection if empty; start the grace timeout if unexpected bytes are pending."""
        channel = self._channel
        if channel.exchange is not self:
            return
        if not (self.permanent or self.is_sending):
            if self.receiver.is_unused:
                channel.exchange = None
                return
            if (request := self.receiver.only_request()) is not None:
                channel.take_back(request)
                return
        if self.receiver.pending and not (
            self.receiver.is_waiting or channel.owner.reads_later or channel.config.accepts_pushes
        ):
            channel.deadline = min(channel.deadline, time.perf_counter() + GRACE)


def _nothing() -> None:
    pass
