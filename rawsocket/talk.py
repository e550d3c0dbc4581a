"""One user's connection on the reactor: messages go out, whole and checked replies come back, nothing ever waits.

Strategy: nearly always a single message is in flight and its reply comes in one read. Then the bytes that were read
are compared with the very frame that had to come, and that is all the framing and checking there is. Whatever else
happens (a reply in pieces, pipelining, pushes, a full buffer, a wrong reply) goes through an `Extra`, which
exists as long as it is needed.

Rules, beside those of client.py, whose greenlet does the same:

- `_resume(value)` and `_resume(None, failure)` are the only ways back to the session. After either, everything may
  have changed: the connection may be closed, or another one.
- Replies are matched in the order in which messages were sent, and recorded when they come, whether or not the
  session is waiting for them.
- Deadlines are looked at by the sweeper (see sweeper.py), a twentieth of the timeout late at most.
"""

import _socket
import math
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from rawsocket.books import Books
from rawsocket.errors import Closed, RawSocketError, ReplyTimeout, Reset, SendTimeout, TooLong, Wrong
from rawsocket.framing import MAX_SIZE
from rawsocket.inbox import Inbox
from rawsocket.payload import Expected, judge, whole
from rawsocket.reactor import READABLE, WRITABLE
from rawsocket.recorder import Recorder, Times
from rawsocket.setup import Setup
from rawsocket.steps import Receive, Request, Send

READ_SIZE = 16_384  # bytes of one read
LATE_AFTER = 0.01  # seconds after which a message that was due counts as late; below that, it is the generator's noise
GRACE = 0.05  # seconds that the rest of an unexpected frame may take; it may be an error line cut in two
MAX_KEPT = 10_000  # messages that may wait for a Receive
NEVER = math.inf
WAITING: Any = object()  # what a step gives that can't be done at once

# What the session waits for. WAIT and DUE: a timer. ROOM: fewer messages in flight, or an empty buffer. LAST: the reply
# to the last message in flight. ONLY: to the only one, which stands in `_flight`.
WAIT, DUE, CONNECT, ONLY, LAST, ROOM, RECEIVE = range(7)


class Flight(NamedTuple):
    """A message without its reply. Times of `time.perf_counter()`; `frame` is what must be read, if that is known."""

    name: str
    due: float
    sent: float
    frame: bytes | None
    expect: Expected
    keep: bool = False  # whether the reply is for a Receive


class Extra:
    """What only some connections need, some of the time."""

    __slots__ = ("first", "flights", "gathered", "inbox", "kept", "receiving", "rest", "rest_since", "room", "stopping")

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.gathered = b""  # of a reply in chunk framing
        self.first = 0.0  # when the first of that came
        self.flights: deque[Flight] = deque()
        self.kept: deque[bytes] = deque()
        self.rest: memoryview | None = None  # what a full buffer left over, since `rest_since`
        self.rest_since = 0.0
        self.room = 1  # ROOM waits for fewer messages in flight than this
        self.receiving: tuple[Receive, float] | None = None
        self.stopping = False  # whether the user is to end with the replies that are owed to it

    def idle(self) -> bool:
        """Whether nothing is in it."""
        return not (
            self.flights or self.kept or self.inbox or self.inbox.pending or self.gathered or self.stopping
        ) and (self.rest is None and self.receiving is None)


class Talk(Books):
    """The connection of one session; what the session itself does is for a subclass to say."""

    __slots__ = ("_due", "_extra", "_flight", "_sock", "_want", "deadline", "setup")

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.setup = setup
        self.deadline = NEVER
        self._due = 0.0  # when the next message is due, 0: when it is sent
        self._sock: _socket.socket | None = None
        # The one message in flight: the first fields of a Flight, as a plain tuple, made in a fifth of the time.
        self._flight: tuple[str, float, float, bytes | None, Any] | None = None
        self._extra: Extra | None = None
        self._want: Any = WAIT

    @property
    def recorder(self) -> Recorder:
        """Where everything is counted."""
        return self.setup.recorder

    def _resume(self, value: Any, failure: BaseException | None = None) -> None:
        """Go on with the session, which was waiting."""
        raise NotImplementedError

    def _last_reply_came(self) -> None:
        """No message is in flight any more, and the user is to stop."""
        raise NotImplementedError

    # -- what the reactor calls ---------------------------------------------------------------------------------

    def on_ready(self, events: int) -> None:
        """The socket can be read, or written where that was asked for."""
        if self._extra is not None and events & WRITABLE and self._extra.rest is not None:
            self._send_rest()
            if events == WRITABLE or self._sock is None:
                return
        try:
            data = self._sock.recv(READ_SIZE)  # type: ignore[union-attr] # only what has a socket is told of it
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(Reset(f"recv: {error}"))
            return
        now = time.perf_counter()
        flight = self._flight
        if flight is None or data != flight[3] or self._extra is not None:
            self._read(data, now)
            return
        # The one usual case, written out: two more calls would cost a tenth of all that a message costs.
        name, due, sent, _, reply = flight
        setup = self.setup
        recorder, rows = setup.recorder, setup.rows
        recorder.bytes_received += len(data)
        recorder.answered += 1
        row = rows[name]
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
            self.settle()
        if rows.teller is not None:
            rows.teller.tell(self, name, now - due, len(reply), None)
        self._resume(reply)

    def overdue(self, now: float) -> None:
        """The deadline is over."""
        extra = self._extra
        if extra is not None and extra.rest is not None:
            self._lose(SendTimeout(f"{len(extra.rest)} bytes were left"))
        elif self._flight is None and not (extra and (extra.flights or extra.receiving)):
            assert extra is not None
            self._lose(extra.inbox.unexpected())
        else:
            came = 0 if extra is None else len(extra.gathered) + extra.inbox.pending
            self._lose(ReplyTimeout(f"{came} bytes had come"))

    # -- sending ------------------------------------------------------------------------------------------------

    def _request(self, step: Request) -> Any:
        if step.inflight > 1 or self._extra is not None:
            return self._pipelined(step)
        sock = self._sock
        if sock is None:
            raise Closed("not connected")  # not an event of its own: the loss was recorded when it happened
        setup = self.setup
        payload, expect = step.payload, step.expect
        data = setup.encode(payload)
        frame = data if expect is payload else setup.encode(expect) if expect.__class__ is bytes else None
        now = time.perf_counter()
        due = self._due
        if due:
            self._due = 0.0
            if now - due > LATE_AFTER:
                setup.recorder.late += 1
        else:
            due = now
        setup.recorder.sent += 1
        self.message_no += 1
        self._flight = step.name, due, now, frame, expect
        self.deadline = now + setup.reply_timeout
        self._want = ONLY
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise self._cannot_send(error) from None
        setup.recorder.bytes_sent += sent
        if sent < len(data):
            self._keep_rest(memoryview(data)[sent:], now)
        return WAITING

    def _send(self, step: Send) -> Any:
        self._launch(step, True)
        return self._await_room(MAX_KEPT)

    def _pipelined(self, step: Request) -> Any:
        self._launch(step, False)
        if step.inflight > 1:
            return self._await_room(step.inflight)
        self._want = LAST
        return WAITING

    def _await_room(self, room: int) -> Any:
        extra = self._extra
        assert extra is not None
        if extra.rest is None and len(extra.flights) < room:
            return None
        extra.room = room
        self._want = ROOM
        return WAITING

    def _launch(self, step: Request | Send, keep: bool) -> None:
        """Send a message whose reply stands in line with others."""
        data = self.setup.encode(step.payload)
        sock = self._sock
        if sock is None:
            raise Closed("not connected")
        extra = self._with_extra()
        if not extra.flights and (extra.inbox or extra.inbox.pending) and not self.setup.accepts_pushes:
            raise self._give_up(extra.inbox.unexpected())
        now = time.perf_counter()
        due = min(self._due or now, now)
        self._due = 0.0
        recorder = self.setup.recorder
        recorder.late += now - due > LATE_AFTER
        recorder.sent += 1
        self.message_no += 1
        extra.flights.append(Flight(step.name, due, now, None, step.expect, keep))
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise self._cannot_send(error) from None
        recorder.bytes_sent += sent
        if sent < len(data):
            self._keep_rest(memoryview(data)[sent:], now)
        self._reckon()

    def _keep_rest(self, rest: memoryview, now: float) -> None:
        extra = self._with_extra()
        assert self._sock is not None
        extra.rest, extra.rest_since = rest, now
        self.setup.reactor.take_over(self._sock.fileno(), self, READABLE | WRITABLE)
        self._reckon()

    def _send_rest(self) -> None:
        extra, sock = self._extra, self._sock
        assert extra is not None
        assert extra.rest is not None
        assert sock is not None
        try:
            sent = sock.send(extra.rest)
        except BlockingIOError:
            return
        except OSError as error:
            self._resume(None, self._cannot_send(error))
            return
        self.recorder.bytes_sent += sent
        if sent < len(extra.rest):
            extra.rest = extra.rest[sent:]
            return
        extra.rest = None
        self.setup.reactor.take_over(sock.fileno(), self, READABLE)
        self._reckon()
        if self._want == ROOM and len(extra.flights) < extra.room:
            self._resume(None)
        self._tidy()

    def _cannot_send(self, error: OSError) -> RawSocketError:
        """Give the connection up: an error line that had arrived says why better than the reset that followed it."""
        extra = self._with_extra()
        assert self._sock is not None
        try:
            data = self._sock.recv(READ_SIZE)
        except OSError:
            data = b""
        if data:
            self._take_in(data, time.perf_counter())
        return self._give_up(extra.inbox.failure() or Reset(f"send: {error}"))

    # -- receiving ----------------------------------------------------------------------------------------------

    def _receive(self, step: Receive) -> Any:
        if self._sock is None:
            raise Closed("not connected")
        extra = self._with_extra()
        if extra.kept:
            return extra.kept.popleft()
        extra.receiving = step, time.perf_counter()
        self._want = RECEIVE
        self._reckon()
        return WAITING

    def _read(self, data: bytes, now: float) -> None:
        """What came in any but the usual way."""
        extra = self._with_extra()
        if not data:
            so_far = len(extra.gathered) + extra.inbox.pending
            self._lose(Closed(f"by the server, {so_far} bytes into a reply" if so_far else "by the server"))
            return
        self._take_in(data, now)
        self._deliver()

    def _take_in(self, data: bytes, now: float) -> None:
        extra = self._with_extra()
        self.recorder.bytes_received += len(data)
        self.heard = True
        extra.inbox.feed(data, now, bool(extra.gathered))

    def _deliver(self) -> None:
        """Hand out what is whole. Each reply may make the session send, close, connect anew or end."""
        extra = self._extra
        while extra is not None and extra is self._extra and extra.inbox:
            if not self._asked(extra):
                self._lose(extra.inbox.unexpected())
                return
            try:
                message, at, first = extra.inbox.take()
                self._match(extra, message, at, first)
            except RawSocketError as failure:
                # What the session's own `expect` raised is its mistake, and told as such.
                self._give_up(failure)
                self._resume(None, failure.__cause__ or failure)
                return
        self._tidy()

    def _asked(self, extra: Extra) -> bool:
        return bool(self._flight or extra.flights or extra.receiving or self.setup.accepts_pushes)

    def _match(self, extra: Extra, message: bytes, at: float, first: float) -> None:
        """Give a message to whoever is waiting for it. Raises what is wrong with it."""
        flight = self._oldest()
        if flight is None:
            self._pushed(extra, message, at)
            return
        reply = self._judged(extra, flight.expect, message, first)
        if reply is None:
            return
        first, extra.first = extra.first or first, 0.0
        self._answer(flight, reply, (at - flight.due, at - flight.sent, first - flight.sent))
        if self._flight is not None:
            self._flight = None
            self._hand_over(extra, reply)
            return
        extra.flights.popleft()
        if flight.keep and self._want != RECEIVE:
            extra.kept.append(reply)
        if (
            (flight.keep and self._want == RECEIVE)
            or (self._want == LAST and not extra.flights)
            or (self._want == ROOM and len(extra.flights) < extra.room and extra.rest is None)
        ):
            self._hand_over(extra, reply if self._want != ROOM else None)
        elif extra.stopping and not extra.flights:
            self._last_reply_came()

    def _judged(self, extra: Extra, expect: Expected, message: bytes, first: float) -> bytes | None:
        """The whole reply, None while more of it must come. Raises what is wrong with it."""
        try:
            if self.setup.framing.delimits or expect is None:
                failure = judge(expect, message)
                if failure is not None:
                    raise failure
                return message
            extra.first = extra.first or first
            extra.gathered += message
            if not whole(expect, extra.gathered, MAX_SIZE):
                return None
        except RawSocketError:
            raise
        except Exception as error:  # of the session's own `expect`
            raise Wrong(f"expect raised {error!r}") from error
        reply, extra.gathered = extra.gathered, b""
        return reply

    def _answer(self, flight: Flight, reply: bytes, times: Times) -> None:
        self.settle()
        self.answered = True
        self.recorder.answered += 1
        self.tell(flight.name, times, len(reply), None)

    def _pushed(self, extra: Extra, message: bytes, at: float) -> None:
        """A message that no message has asked for."""
        if extra.receiving is None:
            extra.kept.append(message)
            self.recorder.pushed += 1
            if len(extra.kept) > MAX_KEPT:
                raise TooLong(f"more than {MAX_KEPT} messages came that nobody has received")
            return
        step, since = extra.receiving
        failure = judge(step.expect, message)
        if failure is not None:
            raise failure
        self.settle()
        self.answered = True
        self.recorder.pushed += 1
        self.tell(step.name, (at - since,) * 3, len(message), None)
        self._hand_over(extra, message)

    def _hand_over(self, extra: Extra, reply: bytes | None) -> None:
        extra.receiving = None
        if extra.stopping and not extra.flights:
            self._last_reply_came()
            return
        self._reckon()
        self._resume(reply)

    def _reckon(self) -> None:
        """Set the deadline by what is owed."""
        extra = self._extra
        flight = self._oldest()
        self.deadline = NEVER if flight is None else flight.sent + self.setup.reply_timeout
        if extra is None:
            return
        if extra.rest is not None:
            self.deadline = min(self.deadline, extra.rest_since + self.setup.send_timeout)
        if extra.receiving is not None:
            step, since = extra.receiving
            self.deadline = since + (self.setup.reply_timeout if step.timeout is None else step.timeout)

    def _tidy(self) -> None:
        """Drop the extra where it is empty; give the rest of something unexpected little time."""
        extra = self._extra
        if extra is None or self._sock is None:
            return
        if extra.idle():
            self._extra = None
        elif extra.inbox.pending and not self._asked(extra):
            self.deadline = min(self.deadline, time.perf_counter() + GRACE)

    def _with_extra(self) -> Extra:
        extra = self._extra
        if extra is None:
            extra = self._extra = Extra(Inbox(self.setup.framing))
            if self._flight is not None:
                extra.room = 1
        return extra

    # -- the end of a connection --------------------------------------------------------------------------------

    def _lose(self, failure: RawSocketError) -> None:
        """Give the connection up and tell the session."""
        self._resume(None, self._give_up(failure))

    def _give_up(self, failure: RawSocketError) -> RawSocketError:
        """Account for the connection and its messages, and end it; gives the failure back."""
        now = time.perf_counter()
        extra = self._extra
        in_flight = [
            (flight.name, (now - flight.due, now - flight.sent, now - flight.sent)) for flight in self._flights()
        ]
        waiting = None
        if extra is not None and extra.receiving is not None:
            step, since = extra.receiving
            waiting = step.name, (now - since,) * 3
        cut = self._shut()
        self.lost(failure, in_flight, waiting, cut)
        return failure

    def _close(self) -> None:
        """End the connection by the client's own will, if there is one."""
        if self._sock is not None:
            in_flight = len(list(self._flights()))
            cut = self._shut()
            self.closed(in_flight, cut)

    def _flights(self) -> Iterable[Flight]:
        if self._flight is not None:
            return [Flight(*self._flight)]
        return [] if self._extra is None else self._extra.flights

    def _oldest(self) -> Flight | None:
        if self._flight is not None:
            return Flight(*self._flight)
        extra = self._extra
        return extra.flights[0] if extra is not None and extra.flights else None

    def _shut(self) -> bool:
        """Close the socket; says whether the last message was not wholly sent."""
        assert self._sock is not None
        cut = self._extra is not None and self._extra.rest is not None
        self.setup.reactor.unwatch(self._sock.fileno())
        self._sock.close()
        self._sock = self._flight = self._extra = None
        self.deadline = NEVER
        self.ended()
        return cut
