"""Sorts what has arrived: replies belong to the messages in flight, pushes go to a receive() or are kept for the next.

The order of the stream is kept. Only a push that the user class names (`is_push`) overtakes an unread reply.
"""

import time
from collections.abc import Iterable
from typing import Any, Protocol

from rawsocket.engine.accounting import HEARD
from rawsocket.engine.config import ConnectionConfig
from rawsocket.engine.exchange.in_flight import (
    CALLER,
    KEPT,
    ByKey,
    InFlight,
    InOrder,
    Matcher,
    Receiving,
    Reply,
    at_receive,
    call,
    check,
    in_row,
    size,
)
from rawsocket.engine.exchange.inbox import Inbox
from rawsocket.engine.exchange.pushes import Pushes
from rawsocket.errors import RawSocketError, Wrong
from rawsocket.measurement.stats_rows import PUSH, PUSH_REPLY, RECEIVE
from rawsocket.wire.framing import Framing
from rawsocket.wire.payload import shorten
from rawsocket.wire.receive_buffer import ERROR_LINE, ReceiveBuffer


class Channel(Protocol):
    """The connection, as far as its receiver uses it."""

    config: ConnectionConfig
    owner: Any
    exchange: Any
    flags: int


class Exchange(Protocol):
    """The exchange, as far as its receiver uses it."""

    @property
    def is_current(self) -> bool:
        """Whether the connection still has this exchange."""

    @property
    def is_shut(self) -> bool:
        """Whether nothing may be sent any more."""

    def set_deadline(self) -> None:
        """Set the connection's deadline."""

    def gap(self) -> None:
        """Handle that nothing has arrived for the framing's gap."""

    def end_in_order(self) -> None:
        """Close the connection: its end was expected."""

    def send_one_way(self, payload: bytes, name: str, due: float) -> None:
        """Send one message that gets no reply."""


class Receiver:
    """The receiving half of an exchange. Its methods raise a RawSocketError if the connection has failed."""

    __slots__ = ("_channel", "_exchange", "_framing", "_gap", "_inbox", "_pushes", "_received", "in_flight",
                 "receiving")  # fmt: skip

    def __init__(self, exchange: Exchange, channel: Channel, in_flight: Iterable[InFlight]) -> None:
        config = channel.config
        self._exchange = exchange
        self._channel = channel
        self._framing = config.framing
        self.in_flight: Matcher = ByKey(channel.owner.handlers.reply_key) if config.matches_by_key else InOrder()
        for message in in_flight:
            self.in_flight.add(message)
        self.receiving: Receiving | None = None
        self._pushes = Pushes(channel.owner.handlers, names=config.sorts_pushes, gathers=config.gathers_pushes)
        self._received = ReceiveBuffer(config.framing, self._pushes if config.sorts_pushes else None)
        self._inbox = Inbox()
        self._gap: GapTimer | None = None

    @property
    def is_unused(self) -> bool:
        """Whether it holds nothing."""
        return not (self.in_flight or self.receiving or self._holds_messages)

    @property
    def _holds_messages(self) -> bool:
        return bool(self._received or self._received.pending or self._inbox or self._pushes)

    def only_request(self) -> InFlight | None:
        """Return the message in flight if nothing else is held, and it is a request whose reply is one frame."""
        if self.receiving is not None or len(self.in_flight) != 1 or self._holds_messages:
            return None
        message = self.in_flight.oldest
        plain = message is not None and message.to == CALLER and message.until is None and not message.partial
        return message if plain else None

    @property
    def is_waiting(self) -> bool:
        """Whether replies are outstanding, or a receive() waits."""
        return bool(self.in_flight) or self.receiving is not None

    @property
    def has_unread(self) -> bool:
        """Whether messages wait for a receive() in the receive buffer, not yet checked."""
        return bool(self._received)

    @property
    def has_unread_bytes(self) -> bool:
        """Whether anything waits in the receive buffer, be it a part of a frame."""
        return bool(self._received or self._received.pending)

    @property
    def pending(self) -> int:
        """Bytes of an unfinished frame."""
        return self._received.pending

    @property
    def partial(self) -> int:
        """Bytes of a reply that is not complete."""
        return sum(one.partial for one in self.in_flight) + self._received.pending

    @property
    def replies_to_receive(self) -> int:
        """Replies for a receive(), be they outstanding or kept."""
        return self._inbox.replies + sum(message.to == KEPT for message in self.in_flight)

    def unexpected(self) -> RawSocketError:
        """Return the failure of a connection that received something although no message was in flight."""
        return self._received.unexpected()

    def failure(self) -> RawSocketError | None:
        """Return the failure that ended the stream, if it has ended."""
        return self._received.failure()

    def receive(self, wanted: Receiving) -> Reply | None:
        """Return the oldest kept message; None if there is none: then the next one goes to `on_received`."""
        self.receiving = wanted
        kept = self._inbox.take(wanted.takes)
        if kept is not None:
            if kept.arrived:
                self._check_push(wanted, kept.message, kept.arrived)
            self.receiving = None
            return kept.message
        oldest = self.in_flight.oldest
        if oldest is not None and oldest.expect is at_receive:
            oldest.name, oldest.expect = wanted.name or oldest.name, wanted.expect
        return None

    # -- what arrives -------------------------------------------------------------------------------------------

    def feed(self, data: bytes, now: float) -> None:
        """Add the data of a read; no data: the end of the stream."""
        if not data:
            self._received.finish(now)
            self._handle_pushes()
            return
        self._channel.config.recorder.bytes_received += len(data)
        self._channel.flags |= HEARD
        # Only what may be an error line needs to know whether it is inside a reply.
        inside = data.startswith(ERROR_LINE) and any(one.partial for one in self.in_flight)
        self._received.feed(data, now, inside)
        if self._framing.gap is not None:
            self._gap = self._gap or GapTimer(self._exchange)
            self._channel.config.reactor.at(now + self._framing.gap, self._gap)
        self._handle_pushes()

    def end(self, failure: RawSocketError) -> RawSocketError:
        """Add the failure that ended the stream, after the data received before it; return it.

        If a failure is unread, such as the line of a server that is full, it has ended the stream: it is returned.
        """
        if (unread := self.failure()) is not None:
            return unread
        self._received.end(failure, time.perf_counter())
        return failure

    def gap(self) -> None:
        """Add the messages that are complete because nothing has arrived for the framing's gap."""
        if self._received.pending:
            self._received.gap()
            self._handle_pushes()

    def change_framing(self, framing: Framing) -> None:
        """Read with another framing from here on; unread bytes belong to it, too."""
        self._received.change_framing(framing, time.perf_counter())
        self._framing = framing

    def take_undecoded(self) -> bytes:
        """Take all bytes that have arrived and were not delivered."""
        return self._received.take_undecoded()

    def deliver(self) -> None:
        """Pass on received messages until one has to wait for a receive()."""
        received = self._received
        while received and self._channel.exchange is self._exchange and self._deliver_next(*received.peek()):
            pass

    def _deliver_next(self, item: bytes | RawSocketError, at: float, first: float) -> bool:
        if isinstance(item, RawSocketError):
            if self._leaves_unread:
                return False
            raise item
        message = None if self._pushes.is_begun else self.in_flight.find(item)
        if message is None:
            return self._unsolicited(item, at)
        if self.receiving is None and message.expect is at_receive:
            return False
        self._received.take()
        self._reply(message, item, at, first)
        return True

    @property
    def _leaves_unread(self) -> bool:
        """Whether nothing waits for what is unread, and it may stay."""
        oldest = self.in_flight.oldest
        return (
            self.receiving is None
            and (oldest is None or oldest.expect is at_receive)
            and (self._channel.owner.reads_later or oldest is not None)
            and not self._channel.config.accepts_pushes
        )

    def _unsolicited(self, item: bytes, at: float) -> bool:
        if self.in_flight and not self._pushes.is_begun:
            raise Wrong(f"no request in flight has the key of this reply: {shorten(item)}")
        if self.receiving is None and not self._channel.config.accepts_pushes:
            if self._channel.owner.reads_later:
                return False
            raise self._received.unexpected()
        self._received.take()
        self._pushes.add(item, at)
        self._handle_pushes()
        return True

    # -- replies ------------------------------------------------------------------------------------------------

    def _reply(self, message: InFlight, frame: bytes, at: float, first: float) -> None:
        """Pass a reply to the call or callback that waits for it. Raises the failure if it is wrong."""
        complete = message.add(self._framing, frame, first)
        if complete is None:
            return
        reply, first = complete
        channel = self._channel
        self.in_flight.remove(message)
        channel.config.accounting.answer(channel, message.name, message.times(at, first), size(reply))  # type: ignore[arg-type]
        self._exchange.set_deadline()
        if self._framing.ends_with_connection and self._received.is_finished and not self.in_flight:
            self._exchange.end_in_order()
        self._hand_to(message.to, reply)

    def _hand_to(self, to: int, reply: Reply) -> None:
        owner = self._channel.owner
        if to == CALLER:
            owner.on_reply(reply)
        elif to == KEPT and self.receiving is not None:
            self._hand_over(reply)
        elif to == KEPT:
            self._inbox.add_reply(reply)
            owner.on_kept()
        else:
            owner.on_answered()

    # -- pushes -------------------------------------------------------------------------------------------------

    def _handle_pushes(self) -> None:
        """Handle the pushes that are complete, whatever else waits."""
        if self._pushes:
            for push, at in self._pushes.take_all():
                if self._exchange.is_current:
                    self._push(push, at)

    def _push(self, message: Reply, at: float) -> None:
        """Handle a push: count it, answer it, and pass it to a receive() or keep it."""
        channel, receiving = self._channel, self.receiving
        channel.config.accounting.push(channel, size(message))  # type: ignore[arg-type]
        if channel.config.answers_pushes and not self._exchange.is_shut:
            answer = call(channel.owner.handlers.on_push, message)
            if answer is not None:
                call(self._exchange.send_one_way, answer, PUSH_REPLY, 0.0)
        if receiving is not None and receiving.takes(message):
            self._check_push(receiving, message, at)
            self._hand_over(message)
        elif receiving is None and not self._inbox.add_push(message, at):
            channel.config.recorder.unread_pushes += 1

    def _check_push(self, receiving: Receiving, message: Reply, at: float) -> None:
        try:
            check(receiving.expect, message)
        except RawSocketError as failure:
            raise in_row(failure, receiving.name or RECEIVE) from failure.__cause__
        accounting, start = self._channel.config.accounting, receiving.started(message)
        name = None if receiving.name == PUSH else receiving.name  # each push has counted in that row
        if start is not None:
            seconds = max(0.0, at - start)
            accounting.latency(self._channel, name or RECEIVE, seconds, size(message))  # type: ignore[arg-type]
        elif name is not None:
            waited = max(0.0, at - receiving.since)
            accounting.waited(self._channel, name, waited, size(message))  # type: ignore[arg-type]

    def _hand_over(self, message: Reply) -> None:
        self.receiving = None
        self._exchange.set_deadline()
        self._channel.owner.on_received(message)


class GapTimer:
    """Ends a message of a framing that has a gap (IdleGap)."""

    __slots__ = ("_exchange", "key")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.key = 0  # the reactor's

    def on_time(self) -> None:
        """The gap is over."""
        self._exchange.gap()
