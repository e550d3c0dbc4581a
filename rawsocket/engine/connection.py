"""One TCP connection on the reactor: it connects, sends, receives, matches replies, times out and accounts for itself.

Strategy: nearly always a single message is in flight and its reply comes in one read. Then the bytes that were read are
compared with the expected frame; nothing else is decoded or checked. All other cases (a reply in pieces, pipelining,
pushes, a full send buffer, a wrong reply) go through an `Exchange`, which exists only while it is needed.

Rules:

- Nothing here waits. A method that can't finish at once returns, and a callback of the owner follows (callbacks.py).
- Every failure ends the connection: what comes after a wrong, late or incomplete reply can't be trusted to belong to
  the next message. The failure is recorded once. A method that finds it raises it; otherwise the owner's `on_lost`
  reports it. Any callback may change everything: the owner may have closed the connection.
- Replies are matched in the order in which messages were sent, or by key if the user class gives the keys. They are
  recorded when they arrive, even if no call waits for them. A message sent with `expect=at_receive` is the exception:
  its reply is checked and recorded by receive().
- A one-way message gets no reply: it is done when the kernel has taken all of it.
- An exception of a function of the scenario (`expect`, `until`, `is_push`, a decoder) is no failure of the server. It
  closes the connection; the owner's `on_lost` gets a ScenarioFault, whose cause it is.
- Without frames (chunk framing), bytes are gathered until the expected number has arrived, or until the callable
  accepts them. If nothing is expected, one read is the reply. Replies that arrive joined can't be separated there.
- Unsolicited data is `wrong`, unless the user class accepts pushes (or names them) or the owner reads later.

Times are seconds of `time.perf_counter()`.
"""

import _socket
import contextlib
import socket
import struct
import time
from typing import Any

from rawsocket.engine.accounting import HEARD, PROVEN
from rawsocket.engine.connect.os_errors import stream_failure
from rawsocket.engine.exchange.exchange import READ_SIZE, Exchange
from rawsocket.engine.exchange.in_flight import CALLER, KEPT, InFlight, Receiving, Reply, Until, call, check, in_row
from rawsocket.engine.exchange.sender import NEVER
from rawsocket.engine.reactor import READABLE, WRITABLE
from rawsocket.engine.state import ConnectionState, Flight
from rawsocket.errors import Closed, RawSocketError, ReplyTimeout
from rawsocket.measurement.overdue import LATE_AFTER
from rawsocket.measurement.stats_rows import RECEIVE
from rawsocket.wire.payload import Expected


class Connection(ConnectionState):
    """One connection, from its connect to its end; see the module's rules."""

    __slots__ = ()

    # -- connecting ---------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Start to connect; `on_open` or `on_not_opened` follows. Raises a failure that is known at once."""
        config = self.config
        self._attempt = attempt = config.connector.attempt(config, self.owner, self._opened, self._not_opened)
        try:
            attempt.begin()
        except RawSocketError as failure:
            self._end_attempt(failure)
            raise

    def abandon(self) -> None:
        """Give up the connect in progress, if any."""
        if self._attempt is not None:
            self.config.recorder.abandoned += 1
            self._attempt.give_up()
            self._attempt = None

    def _opened(self, sock: _socket.socket) -> None:
        attempt, self._attempt = self._attempt, None
        assert attempt is not None
        config = self.config
        self._sock = sock
        config.reactor.take_over(sock.fileno(), self, READABLE)
        config.accounting.opened(self, attempt.started, time.perf_counter(), attempt.handshake_at)
        config.deadlines.settle_later(self)
        if config.needs_exchange:
            self.with_exchange()
        self.owner.on_open()

    def replace_socket(self, sock: Any) -> None:
        """Go on with another socket on the same descriptor: one that encrypts."""
        self._sock = sock
        self.config.reactor.take_over(sock.fileno(), self, READABLE)

    def _not_opened(self, failure: RawSocketError) -> None:
        self._end_attempt(failure)
        self.owner.on_not_opened(failure)

    def _end_attempt(self, failure: RawSocketError) -> None:
        attempt, self._attempt = self._attempt, None
        assert attempt is not None
        if attempt.handshake_at:
            self.config.accounting.not_secured(self, attempt.started, attempt.handshake_at, failure)
        else:
            self.config.accounting.not_opened(self, time.perf_counter() - attempt.started, failure)

    # -- sending ------------------------------------------------------------------------------------------------

    def request(self, payload: bytes, name: str, expect: Expected, due: float = 0.0) -> None:
        """Send one message; `on_reply` gets its reply. `due` 0: now.

        Raises the failure that ended the connection (Closed, Reset, ServerFull, Wrong, ...); ValueError if the framing
        can't carry the payload.
        """
        sock = self._sock
        if sock is None or self._flight is not None or self.exchange is not None:
            self.send(payload, name, expect, due, CALLER)
            return
        config = self.config
        key = self.owner.handlers.request_key(payload) if config.matches_by_key else None
        data = config.encode(payload)
        frame = data if expect is payload else config.encode(expect) if expect.__class__ is bytes else None
        now = time.perf_counter()
        if due:
            if now - due > LATE_AFTER:
                config.recorder.late += 1
        else:
            due = now
        config.recorder.sent += 1
        self.message_no += 1
        self._flight = name, due, now, frame, expect, key
        self.deadline = now + config.reply_timeout
        try:
            taken = sock.send(data)
        except OSError as error:
            taken = self._not_taken(error)
        config.recorder.bytes_sent += taken
        if taken < len(data):
            self.with_exchange().keep_unsent(memoryview(data)[taken:], now)

    def _not_taken(self, error: OSError) -> int:
        """Return 0 if the kernel can't take a message now. Raises the failure of the connection."""
        if isinstance(error, BlockingIOError):
            return 0
        raise self.fail(self.with_exchange().send_failure(error)) from None

    def send(
        self, payload: bytes, name: str, expect: Expected, due: float = 0.0, to: int = KEPT, until: Until | None = None
    ) -> None:
        """Send one message behind others; `to` says who gets its reply (see in_flight.py). See request().

        With `until`, the reply is a list of frames, complete when `until(frames)` is true.
        """
        self.with_exchange().send(payload, name, expect, due, to, until)

    def send_one_way(self, payload: bytes, name: str, due: float = 0.0) -> None:
        """Send one message that gets no reply. Raises as request() does."""
        self.with_exchange().send_one_way(payload, name, due)

    def refuse_unread(self) -> None:
        """Fail the connection, and raise the failure, if unsolicited data has arrived."""
        if self.exchange is not None:
            self.exchange.refuse_unread()

    # -- receiving ----------------------------------------------------------------------------------------------

    def receive(self, wanted: Receiving) -> Reply | None:
        """Return the oldest kept message; None if there is none: then `on_received` gets the next one.

        It is the reply to the oldest sent message, or if none is in flight, an unsolicited message. A timeout fails the
        connection. Call deliver() afterwards if the owner reads later. Raises Closed; Wrong if a kept push is wrong.
        """
        return self.with_exchange().receive(wanted)

    def stop_receiving(self) -> None:
        """Withdraw a receive() that still waits; what it waits for stays for the next one."""
        if self.exchange is not None:
            self.exchange.stop_receiving()

    def on_ready(self, events: int) -> None:
        """Read, or write if a send was incomplete. Called by the reactor."""
        if events & WRITABLE and self.exchange is not None:
            self.exchange.sender.on_writable()
            if events == WRITABLE or self._sock is None:
                return
        try:
            data = self._sock.recv(READ_SIZE)  # type: ignore[union-attr] # only an open socket has events
        except BlockingIOError:
            return
        except OSError as error:
            self.with_exchange().end_of_stream(stream_failure(error, "recv"))
            return
        now = time.perf_counter()
        flight = self._flight
        if flight is None or data != flight[3]:
            self._read(data, now)
            return
        # The usual case, inlined: two more calls would add a tenth to the cost of a message.
        name, due, sent, _, reply, _ = flight
        config = self.config
        recorder = config.recorder
        recorder.bytes_received += len(data)
        recorder.answered += 1
        row = config.rows[name]
        row.bytes += len(reply)
        seconds = now - sent
        if due == sent:
            row.plain.append(seconds)
        else:
            row.full.append((now - due, seconds, seconds))
        self._flight = None
        self.deadline = NEVER
        if self.flags < PROVEN:
            config.accounting.settle(self)
            self.flags |= PROVEN
        listener = config.events.listener
        if listener is not None:
            listener.event(self.owner, name, now - due, len(reply), None)
        self.owner.on_reply(reply)

    def _read(self, data: bytes, now: float) -> None:
        """Handle what is not exactly the expected reply: another correct one, a wrong one, or anything else."""
        try:
            reply = None if self._flight is None else self._reply(self._flight, data)
        except RawSocketError as failure:
            self.lose(in_row(failure, self._flight[0]))  # type: ignore[index] # only a reply to a message can be wrong
            return
        if reply is None:
            self.with_exchange().read(data, now)
            return
        name, due, sent, *_ = self._flight  # type: ignore[misc] # there is a reply, so there is a message
        self._flight = None
        self.deadline = NEVER
        self.config.accounting.answer(self, name, (now - due, now - sent, now - sent), len(reply))
        self.owner.on_reply(reply)

    def _reply(self, flight: Flight, data: bytes) -> bytes | None:
        """Return the reply to the message in flight, if it is all of this read; None: an Exchange sorts it out.

        Raises the failure if the reply is wrong.
        """
        config, handlers = self.config, self.owner.handlers
        reply = config.only_message(data)
        if reply is None:
            return None
        self.flags |= HEARD
        if config.matches_by_key and call(handlers.reply_key, reply) != flight[5]:
            return None
        if config.sorts_pushes and call(handlers.is_push, reply):
            return None
        config.recorder.bytes_received += len(data)
        if flight[4] is not None:
            check(flight[4], reply)
        return reply

    def overdue(self, now: float) -> None:
        """Fail: the deadline has passed. Called by the sweep of deadlines.py."""
        self.lose(ReplyTimeout("0 bytes had come") if self.exchange is None else self.exchange.timed_out())

    def with_exchange(self) -> Exchange:
        """Return the exchange, created on demand; it takes over the message in flight. Raises Closed."""
        exchange = self.exchange
        if exchange is None:
            if self._sock is None:
                raise Closed("not connected")  # not recorded again: the loss was recorded when it happened
            exchange = self.exchange = Exchange(self, self._sock, self._messages())
            self._flight = None
        return exchange

    def take_back(self, message: InFlight) -> None:
        """Go on without the exchange: all that it holds is this request."""
        expect, frame = message.expect, None
        if expect.__class__ is bytes:
            with contextlib.suppress(ValueError):  # no reply can be that; then none will be accepted
                frame = self.config.encode(expect)
        self._flight = message.name, message.due, message.sent, frame, expect, message.key
        self.exchange = None

    # -- its end ------------------------------------------------------------------------------------------------

    def close(self, reset: bool = False) -> None:
        """Close the connection, as the client's own decision. Messages in flight are unanswered, not failed.

        With `reset`, the server gets a reset instead of the end of the stream.
        """
        self.abandon()
        if self._sock is not None:
            if reset:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            in_flight = self.in_flight
            exchange, cut = self.exchange, self._shut(self._sock)
            if exchange is None or not exchange.end_is_recorded:
                self.config.accounting.closed(self, in_flight, cut)

    def lose(self, failure: RawSocketError) -> None:
        """Fail the connection and report it to the owner."""
        self.fail(failure)
        self.owner.on_lost(failure)

    def fail(self, failure: RawSocketError) -> RawSocketError:
        """Account for the connection and its messages, end it, and return the failure."""
        now = time.perf_counter()
        sock, exchange = self._sock, self.exchange
        assert sock is not None
        in_flight = [(one.name, one.times(now, now)) for one in self._messages()]
        receiving = None
        if exchange is not None and exchange.receiving is not None:
            receiving = exchange.receiving.name or RECEIVE, (now - exchange.receiving.since,) * 3
        cut = self._shut(sock)
        if exchange is None or not exchange.end_is_recorded:
            self.config.accounting.lost(self, failure, in_flight, receiving, cut)
        return failure

    def _shut(self, sock: _socket.socket) -> bool:
        """Close the socket; return True if the last message was not completely sent."""
        cut = self.is_sending
        self.config.reactor.unwatch(sock.fileno())
        sock.close()
        self._sock = self._flight = self.exchange = None
        self.deadline = NEVER
        return cut
