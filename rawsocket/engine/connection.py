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

import time
from typing import Any

from rawsocket.engine.in_flight import LAST, MAX_KEPT, NEVER, READ_SIZE, RECEIVE, ROOM, WAITING, Extra, Flight
from rawsocket.engine.reactor import WRITABLE
from rawsocket.engine.sending import Sender
from rawsocket.errors import Closed, RawSocketError, ReplyTimeout, Reset, SendTimeout, TooLong, Wrong
from rawsocket.measurement.rows import Times
from rawsocket.users.steps import Receive
from rawsocket.wire.framing import MAX_SIZE
from rawsocket.wire.payload import Expected, judge, whole


class Talk(Sender):
    """The connection of one session; what the session itself does is for a subclass to say."""

    __slots__ = ()

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

    def _lose(self, failure: RawSocketError) -> None:
        """Give the connection up and tell the session."""
        self._resume(None, self._give_up(failure))
