"""One TCP connection on the reactor: it connects, sends, receives, matches replies, times out and accounts for itself.

Strategy: nearly always a single message is in flight and its reply comes in one read. Then the bytes that were read are
compared with the expected frame; nothing else is decoded or checked. All other cases (a reply in pieces, pipelining,
pushes, a full send buffer, a wrong reply) go through an `Exchange`, which exists only while it is needed.

Rules:

- Nothing here waits. A method that can't finish at once returns, and a callback of the owner follows (owner.py).
- Every failure ends the connection: what comes after a wrong, late or incomplete reply can't be trusted to belong to
  the next message. The failure is recorded once. A method that finds it raises it; otherwise the owner's `on_lost`
  reports it. Any callback may change everything: the owner may have closed the connection.
- Replies are matched in the order in which messages were sent, and recorded when they arrive, even if no call waits for
  them. A message sent with `expect=at_receive` is the exception: its reply is checked and recorded by
  receive().
- Without frames (chunk framing), bytes are gathered until the expected number has arrived, or until the callable
  accepts them. If nothing is expected, one read is the reply. Keep one message in flight there: replies that arrive
  joined can't be separated.
- Unsolicited data is `wrong`, unless the user class accepts pushes or the owner reads later.

Times are seconds of `time.perf_counter()`.
"""

import _socket
import time
from collections.abc import Sequence
from typing import Any

from rawsocket.engine.config import ConnectionConfig
from rawsocket.engine.connect.connector import ConnectAttempt, readable
from rawsocket.engine.exchange import NEVER, READ_SIZE, Exchange
from rawsocket.engine.in_flight import InFlight
from rawsocket.engine.owner import Owner
from rawsocket.engine.reactor import READABLE, WRITABLE
from rawsocket.errors import Closed, RawSocketError, ReplyTimeout, Reset
from rawsocket.measurement.overdue import LATE_AFTER, OWED_AFTER
from rawsocket.wire.payload import Expected


class Connection:
    """One connection, from its connect to its end; see the module's rules."""

    __slots__ = (
        "_attempt",
        "_flight",
        "_sock",
        "accounted",
        "answered",
        "config",
        "connect_seconds",
        "connected_at",
        "connection_id",
        "deadline",
        "exchange",
        "heard",
        "message_no",
        "owner",
        "reconnect",
        "settled",
    )

    def __init__(self, config: ConnectionConfig, owner: Owner, reconnect: bool = False) -> None:
        self.config = config
        self.owner = owner
        self.reconnect = reconnect
        self.deadline = NEVER
        self.settled = self.answered = self.heard = False
        self.accounted = False  # whether its end is in the accounts already
        self.connected_at = self.connect_seconds = 0.0
        self.connection_id = 0
        self.message_no = 0  # messages sent
        self._attempt: ConnectAttempt | None = None
        self._sock: _socket.socket | None = None
        # The one message in flight: the first fields of an InFlight, as a plain tuple, made in a fifth of the time.
        self._flight: tuple[str, float, float, bytes | None, Any] | None = None
        self.exchange: Exchange | None = None

    # -- its state ----------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether it is connected, as far as is known."""
        return self._sock is not None

    @property
    def is_closed(self) -> bool:
        """Whether it has ended, or has not begun."""
        return self._sock is None and self._attempt is None

    @property
    def in_flight(self) -> int:
        """Messages that were sent and have no reply yet."""
        return len(self._messages())

    @property
    def is_sending(self) -> bool:
        """Whether the kernel has not taken all that was sent."""
        return self.exchange is not None and self.exchange.is_sending

    def waiting_for(self, now: float) -> tuple[str, float, list[float]] | None:
        """Return outstanding replies: row and age (seconds) of the oldest, due times of all.

        Return None if none is outstanding, if the oldest is younger than OWED_AFTER, or if unread bytes have arrived.
        The row is "" while the connection is being opened.
        """
        awaited = self._messages() if self.exchange is None else self.exchange.awaited()
        if awaited:
            name, since = awaited[0].name, awaited[0].sent
        elif self._attempt is not None:
            name, since = "", self._attempt.started
        else:
            return None
        if now - since <= OWED_AFTER or (self._sock is not None and readable(self._sock)):
            return None
        return name, now - since, [message.due for message in awaited]

    def _messages(self) -> Sequence[InFlight]:
        if self._flight is not None:
            return [InFlight(*self._flight)]
        return () if self.exchange is None else self.exchange.in_flight

    # -- connecting ---------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Start to connect; `on_open` or `on_not_opened` follows. Raises a failure that is known at once."""
        config = self.config
        self._attempt = attempt = config.connector.attempt(
            config.reactor, self.owner, config.target, config.connect_timeout, self._opened, self._not_opened
        )
        try:
            attempt.begin()
        except RawSocketError as failure:
            self._end_attempt(failure)
            raise

    def connect_failed(self, started: float, failure: RawSocketError) -> None:
        """Account for a connect that failed after it was `started`."""
        self.config.accounting.not_opened(self, time.perf_counter() - started, failure)

    def abandon(self) -> None:
        """Give up the connect in progress, if any."""
        if self._attempt is not None:
            self.config.recorder.abandoned += 1
            self._attempt.give_up()
            self._attempt = None

    def settle(self) -> None:
        """Count the connection as usable: it was silent for long enough."""
        self.config.accounting.settle(self)

    def _opened(self, sock: _socket.socket) -> None:
        attempt, self._attempt = self._attempt, None
        assert attempt is not None
        config = self.config
        self._sock = sock
        config.reactor.take_over(sock.fileno(), self, READABLE)
        config.accounting.opened(self, attempt.started, time.perf_counter())
        config.deadlines.settle_later(self)
        self.owner.on_open()

    def _not_opened(self, failure: RawSocketError) -> None:
        self._end_attempt(failure)
        self.owner.on_not_opened(failure)

    def _end_attempt(self, failure: RawSocketError) -> None:
        attempt, self._attempt = self._attempt, None
        assert attempt is not None
        self.connect_failed(attempt.started, failure)

    # -- sending ------------------------------------------------------------------------------------------------

    def request(self, payload: bytes, name: str, expect: Expected, due: float = 0.0) -> None:
        """Send one message; `on_reply` gets its reply. `due` 0: now.

        Raises the failure that ended the connection (Closed, Reset, ServerFull, Wrong, ...); ValueError if the framing
        can't carry the payload.
        """
        sock = self._sock
        if sock is None or self._flight is not None or self.exchange is not None:
            self.send(payload, name, expect, due, kept=False)
            return
        config = self.config
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
        self._flight = name, due, now, frame, expect
        self.deadline = now + config.reply_timeout
        self.write(sock, data, now)

    def send(self, payload: bytes, name: str, expect: Expected, due: float = 0.0, kept: bool = True) -> None:
        """Send one message behind others; its reply is `kept` for receive() or goes to `on_reply`. See request()."""
        data = self.config.encode(payload)
        self._with_exchange().send(data, name, expect, due, kept)

    def refuse_unread(self) -> None:
        """Fail the connection, and raise the failure, if unsolicited data has arrived."""
        if self.exchange is not None:
            self.exchange.refuse_unread()

    def write(self, sock: _socket.socket, data: bytes, now: float) -> None:
        """Pass a message to the kernel and keep what it does not take. Raises the failure of the connection."""
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise self.fail(self._with_exchange().send_failure(error)) from None
        self.config.recorder.bytes_sent += sent
        if sent < len(data):
            self._with_exchange().keep_unsent(memoryview(data)[sent:], now)

    # -- receiving ----------------------------------------------------------------------------------------------

    def receive(self, timeout: float | None, name: str | None, expect: Expected) -> bytes | None:
        """Return the oldest kept message; None if there is none: then `on_received` gets the next one.

        It is the reply to the oldest sent message, or if none is in flight, an unsolicited message. `name`
        (default: the message's own, or `receive`) and `expect` are for such a push, and for the reply to a message
        sent with `expect=at_receive`. `timeout` None: the reply timeout. A timeout fails the connection. Call
        deliver() afterwards if the owner reads later. Raises Closed.
        """
        return self._with_exchange().receive(timeout, name, expect)

    def stop_receiving(self) -> None:
        """Withdraw a receive() that still waits; what it waits for stays for the next one."""
        if self.exchange is not None:
            self.exchange.stop_receiving()

    def deliver(self) -> None:
        """Pass received messages to the owner."""
        if self.exchange is not None:
            self.exchange.deliver()

    def on_ready(self, events: int) -> None:
        """Read, or write if a send was incomplete. Called by the reactor."""
        if events & WRITABLE and self.exchange is not None:
            self.exchange.on_writable()
            if events == WRITABLE or self._sock is None:
                return
        try:
            data = self._sock.recv(READ_SIZE)  # type: ignore[union-attr] # only an open socket has events
        except BlockingIOError:
            return
        except OSError as error:
            self._with_exchange().end_of_stream(Reset(f"recv: {error}"))
            return
        now = time.perf_counter()
        flight = self._flight
        if flight is None or data != flight[3]:
            self._with_exchange().read(data, now)
            return
        # The usual case, inlined: two more calls would add a tenth to the cost of a message.
        name, due, sent, _, reply = flight
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
        self.answered = self.heard = True
        if not self.settled:
            config.accounting.settle(self)
        listener = config.events.listener
        if listener is not None:
            listener.event(self.owner, name, now - due, len(reply), None)
        self.owner.on_reply(reply)

    def overdue(self, now: float) -> None:
        """Fail: the deadline has passed. Called by the sweep of deadlines.py."""
        self.lose(ReplyTimeout("0 bytes had come") if self.exchange is None else self.exchange.timed_out())

    def _with_exchange(self) -> Exchange:
        """Return the exchange, created on demand; it takes over the message in flight. Raises Closed."""
        exchange = self.exchange
        if exchange is None:
            if self._sock is None:
                raise Closed("not connected")  # not recorded again: the loss was recorded when it happened
            exchange = self.exchange = Exchange(self, self._sock, self._messages())
            self._flight = None
        return exchange

    # -- its end ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the connection, as the client's own decision. Messages in flight are unanswered, not failed."""
        self.abandon()
        if self._sock is not None:
            in_flight = self.in_flight
            cut = self._shut(self._sock)
            if not self.accounted:
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
        in_flight = [(one.name, (now - one.due, now - one.sent, now - one.sent)) for one in self._messages()]
        receiving = None
        if exchange is not None and exchange.receiving is not None:
            receiving = exchange.receiving.name, (now - exchange.receiving.since,) * 3
        cut = self._shut(sock)
        if not self.accounted:
            self.config.accounting.lost(self, failure, in_flight, receiving, cut)
        return failure

    def lost_unread(self, failure: RawSocketError) -> None:
        """Account for the end now: it is not held any more, even if the owner never reads what came before the end."""
        self.config.accounting.lost(self, failure, (), None, False)
        self.accounted = True

    def _shut(self, sock: _socket.socket) -> bool:
        """Close the socket; return True if the last message was not completely sent."""
        cut = self.is_sending
        self.config.reactor.unwatch(sock.fileno())
        sock.close()
        self._sock = self._flight = self.exchange = None
        self.deadline = NEVER
        return cut
