"""The outgoing side of one user's connection on the reactor, its end, and what is kept of it meanwhile.

Nothing here waits: a step that can't be done at once gives WAITING, and the reactor's callbacks go on with it. What a
full buffer leaves over is kept, and sent when the kernel says so. See talk.py, whose other half this is.
"""

import _socket
import time
from collections.abc import Iterable
from typing import Any

from rawsocket.engine.accounting import Books
from rawsocket.engine.config import Setup
from rawsocket.engine.in_flight import (
    GRACE,
    LAST,
    LATE_AFTER,
    MAX_KEPT,
    NEVER,
    ONLY,
    READ_SIZE,
    ROOM,
    WAIT,
    WAITING,
    Extra,
    Flight,
)
from rawsocket.engine.reactor import READABLE, WRITABLE
from rawsocket.errors import Closed, RawSocketError, Reset
from rawsocket.measurement.recorder import Recorder
from rawsocket.users.steps import Request, Send
from rawsocket.wire.replies import Inbox


class Sender(Books):
    """See talk.py for the rules."""

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

    def on_ready(self, events: int) -> None:
        """The socket can be read, or written where that was asked for."""
        raise NotImplementedError

    def _resume(self, value: Any, failure: BaseException | None = None) -> None:
        """Go on with the session, which was waiting."""
        raise NotImplementedError

    def _last_reply_came(self) -> None:
        """No message is in flight any more, and the user is to stop."""
        raise NotImplementedError

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
        self._put_out(sock, data, now)
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
        self._put_out(sock, data, now)
        self._reckon()

    def _put_out(self, sock: _socket.socket, data: bytes, now: float) -> None:
        """Hand a message to the kernel; keep what it does not take. Raises what the loss of the connection means."""
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise self._cannot_send(error) from None
        self.setup.recorder.bytes_sent += sent
        if sent < len(data):
            self._keep_rest(memoryview(data)[sent:], now)

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

    # -- what is kept

    def _take_in(self, data: bytes, now: float) -> None:
        extra = self._with_extra()
        self.recorder.bytes_received += len(data)
        self.heard = True
        extra.inbox.feed(data, now, bool(extra.gathered))

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

    def _asked(self, extra: Extra) -> bool:
        return bool(self._flight or extra.flights or extra.receiving or self.setup.accepts_pushes)

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
        return extra

    # -- the end of a connection --------------------------------------------------------------------------------

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

    def _wanted(self) -> list[Flight]:
        """The messages in flight whose replies somebody waits for."""
        received = self._extra is not None and self._extra.receiving is not None
        return [one for one in self._flights() if received or not one.keep or one.expect is not None]

    def _oldest(self) -> Flight | None:
        return next(iter(self._flights()), None)

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
