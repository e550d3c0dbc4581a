"""The socket client: one connection at a time, on which messages go out and whole, checked replies come back.

Strategy: a plain greenlet, a non-blocking socket, one reusable watcher. Whatever is read goes through
the framing's decoder into an inbox; `receive` takes replies from there and matches them to the
messages in flight in the order in which these were sent.

Rules:

- Every failure ends the connection: what comes after a wrong, late or cut reply can't be trusted to
  belong to the next message. It is recorded once, raised as its named exception, and leaves the client
  unconnected. With messages in flight it stands in their rows, with none in the row `drop`.
- A connect attempt is recorded when the connection has *settled*: at the first reply, after
  SETTLES_AFTER of watched silence, at the client's own close, or when it is lost in another way than
  by `ERR server full`; that line, when it comes before anything else, makes the attempt a failure
  `server-full`. The event's time is always that of the TCP connect.
- The server's error lines are understood in every framing. `ERR server full` is `server-full`; `ERR message too long`
  and `ERR message timeout` are `wrong` with the line as detail.
- A connection that ends inside a reply is `closed` (or `reset`), and the detail says how much had come.
- Anything that comes with no message in flight is `wrong`: nobody asked for it. (`receive` alone may wait for
  what a server sends by itself; it counts as an event and in the bytes, not as a message.)
- In chunk framing a reply has no end of its own: bytes are gathered until as many came as are
  expected, or the callable says yes, or the timeout is over. With nothing expected one read is the reply.
  Keep one message in flight there: replies that arrive joined can't be told apart.
- Killing the greenlet at any point leaves the recorder's invariants intact, as soon as `close` is called:
  messages in flight count as unanswered; a connect that was going on has never been.

One client belongs to one greenlet. Times are `time.perf_counter()`.
"""

import _socket
import contextlib
import itertools
import os
import time
from collections.abc import Callable
from typing import Any

import gevent

from rawsocket.dial import READ, WRITE, dial, ready
from rawsocket.errors import (
    WRONG_REPLIES,
    Closed,
    RawSocketError,
    ReplyTimeout,
    Reset,
    SendTimeout,
    ServerFull,
    Wrong,
)
from rawsocket.framing import MAX_SIZE, Framing
from rawsocket.inbox import Inbox
from rawsocket.payload import Expected, judge, whole
from rawsocket.payload import payload as make_payload
from rawsocket.recorder import CONNECT, DROP, RECONNECT, RECORDER, Recorder
from rawsocket.target import Target

SETTLES_AFTER = 0.25  # seconds of silence; a refusal comes within a round trip and a turn of the server's loop
GRACE = 0.05  # seconds that the rest of an unexpected frame may take; it may be an error line cut in two
READ_SIZE = 16_384  # bytes of one read

# A connection's id is unique in its process; 24 random bits above the count tell it from other processes'.
_ids = itertools.count(int.from_bytes(os.urandom(3), "big") << 24)

# Told of every event: row, milliseconds (None: has no time), bytes of the reply, failure.
Listener = Callable[[str, float | None, int, RawSocketError | None], None]


class RawSocketClient:
    """Sends framed messages to one target and demands the right replies; see the module's rules.

    All timeouts are seconds and required. `listener` is told of each event after the recorder.
    """

    __slots__ = (
        "_connect_seconds",
        "_in_flight",
        "_inbox",
        "_reader",
        "_reconnect",
        "_settled",
        "_sock",
        "answered",
        "connect_timeout",
        "connected_at",
        "connection_id",
        "framing",
        "listener",
        "message_no",
        "recorder",
        "reply_timeout",
        "send_timeout",
        "target",
    )

    def __init__(
        self,
        target: Target,
        framing: Framing,
        *,
        connect_timeout: float,
        send_timeout: float,
        reply_timeout: float,
        recorder: Recorder = RECORDER,
        listener: Listener | None = None,
    ) -> None:
        for seconds in (connect_timeout, send_timeout, reply_timeout):
            _check_timeout(seconds)
        self.target = target
        self.framing = framing
        self.connect_timeout = connect_timeout
        self.send_timeout = send_timeout
        self.reply_timeout = reply_timeout
        self.recorder = recorder
        self.listener = listener
        self.answered = False  # whether this connection has brought a right reply
        self.connected_at = 0.0
        self.connection_id = 0
        self.message_no = 0  # messages sent on this connection
        self._sock: _socket.socket | None = None
        self._reader: Any = None
        self._inbox = Inbox(framing)
        self._in_flight: list[tuple[str, float]] = []  # row and send time of each message without its reply
        self._settled = True
        self._reconnect = False
        self._connect_seconds = 0.0

    @property
    def connected(self) -> bool:
        """Whether the connection is open, as far as is known."""
        return self._sock is not None

    @property
    def in_flight(self) -> int:
        """Messages that were sent and have no reply yet."""
        return len(self._in_flight)

    def unique_payload(self, size: int) -> bytes:
        """A payload of `size` bytes that only the next message on this connection has."""
        return make_payload(size, self.connection_id, self.message_no)

    def connect(self, *, reconnect: bool = False) -> None:
        """Open the connection; `reconnect` says that it replaces one that was lost or never came to be.

        Raises Refused, ConnectTimeout or Reset. A refusal by `ERR server full` comes later, from
        whatever is done next.
        """
        if self._sock is not None:
            raise RuntimeError("connect() on a client that is connected: close() it first")
        row = RECONNECT if reconnect else CONNECT
        started = time.perf_counter()
        try:
            sock = dial(self.target, self.connect_timeout)
        except RawSocketError as failure:
            self.recorder.attempt_failed(failure.name)
            self._event(row, time.perf_counter() - started, 0, failure)
            raise
        self.connected_at = time.perf_counter()
        self._connect_seconds = self.connected_at - started
        self.connection_id = next(_ids)
        self.message_no = 0
        self._reconnect = reconnect
        self._settled = self.answered = False
        self._inbox = Inbox(self.framing)
        self._reader = gevent.get_hub().loop.io(sock.fileno(), READ)
        self._sock = sock
        self.recorder.held += 1

    def request(self, payload: bytes, *, name: str = "request", expect: Expected = None) -> bytes:
        """Send one message and give its whole reply, without frame, within the reply timeout.

        `expect` is the only right reply, or a callable that says whether a reply is right; None takes any.
        Raises Closed, Reset, ServerFull, SendTimeout, ReplyTimeout, Short, TooLong or Wrong.
        """
        if self._in_flight:
            raise RuntimeError("request() while messages are in flight: receive() their replies first")
        self.send(payload, name=name)
        return self._receive(name, self.reply_timeout, expect)

    def send(self, payload: bytes, *, name: str = "request") -> None:
        """Send one message, whose reply `receive` will take. Nothing is recorded before its fate is known.

        Raises Closed, Reset, ServerFull, SendTimeout or Wrong; ValueError if the framing can't carry it.
        """
        data = self.framing.encode(payload)
        sock = self._open_socket()
        if not self._in_flight and (self._inbox or self._inbox.pending):
            raise self._lose(self._inbox.unexpected())
        self._in_flight.append((name, time.perf_counter()))
        self.recorder.sent += 1
        self.message_no += 1
        try:
            sent = sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise self._lose(self._last_words(error)) from None
        self.recorder.bytes_sent += sent
        if sent < len(data):
            try:
                self._send_rest(sock, memoryview(data)[sent:])
            except RawSocketError as failure:
                raise self._lose(failure) from None

    def receive(self, *, name: str | None = None, timeout: float | None = None, expect: Expected = None) -> bytes:
        """The next reply: to the oldest message in flight, or with none, what the server sends by itself.

        `name` is the row (default: the one given when sending); `timeout` seconds (default: the reply timeout).
        Raises as `request`; a timeout closes the connection.
        """
        if timeout is not None:
            _check_timeout(timeout)
        self._open_socket()
        if name is None:
            name = self._in_flight[0][0] if self._in_flight else "receive"
        return self._receive(name, timeout or self.reply_timeout, expect)

    def watch(self, seconds: float) -> None:
        """Wait so long and watch the socket meanwhile: a loss is raised, named, when it happens.

        Replies to messages in flight are kept for `receive`. Without a connection it just waits.
        """
        if self._sock is None:
            gevent.sleep(max(0.0, seconds))
            return
        deadline = time.perf_counter() + seconds
        try:
            self._watch(deadline)
        except RawSocketError as failure:
            raise self._lose(failure) from None

    def close(self) -> None:
        """End the connection, if there is one; messages in flight count as unanswered, not as failures."""
        if self._sock is None:
            return
        self._settle()
        self.recorder.unanswered += len(self._in_flight)
        self.recorder.closed += 1
        self._shut()

    def _open_socket(self) -> _socket.socket:
        if self._sock is None:
            # Not an event of its own: the loss was recorded when it happened.
            raise Closed("not connected")
        return self._sock

    def _receive(self, name: str, timeout: float, expect: Expected) -> bytes:
        started = time.perf_counter()
        unasked = not self._in_flight
        sent_at = started if unasked else self._in_flight[0][1]
        if not unasked:
            self._in_flight[0] = (name, sent_at)
        try:
            reply, at = self._take_reply(started + timeout, expect)
        except RawSocketError as failure:
            raise self._lose(failure, waiting=(name, started) if unasked else None) from None
        except Exception as error:  # of the caller's own `expect`
            self._lose(Wrong(f"expect raised {error!r}"), waiting=(name, started) if unasked else None)
            raise
        if not self._settled:
            self._settle()
        self.answered = True
        if not unasked:
            del self._in_flight[0]
            self.recorder.answered += 1
        self._event(name, at - sent_at, len(reply), None)
        return reply

    def _take_reply(self, deadline: float, expect: Expected) -> tuple[bytes, float]:
        """The next right reply and when it was whole."""
        reply, at = self._next(deadline, b"")
        if self.framing.delimits or expect is None:
            failure = judge(expect, reply)
            if failure is not None:
                raise failure
            return reply, at
        while not whole(expect, reply, MAX_SIZE):
            more, at = self._next(deadline, reply)
            reply += more
        return reply, at

    def _next(self, deadline: float, so_far: bytes) -> tuple[bytes, float]:
        while not self._inbox:
            if not self._wait(deadline):
                raise ReplyTimeout(f"{len(so_far) + self._inbox.pending} bytes had come")
            self._read(len(so_far))
        return self._inbox.take()

    def _watch(self, deadline: float) -> None:
        inbox = self._inbox
        while True:
            if inbox and not self._in_flight:
                raise inbox.unexpected()
            if inbox.pending and not self._in_flight:
                deadline = min(deadline, time.perf_counter() + GRACE)
            if not self._wait(deadline):
                break
            self._read(0)
            self._raise_failure()
        if inbox.pending and not self._in_flight:
            raise inbox.unexpected()

    def _wait(self, deadline: float) -> bool:
        """Until the socket can be read (True) or the deadline is over; a silent connection settles meanwhile."""
        if not self._settled:
            settles_at = self.connected_at + SETTLES_AFTER
            if ready(self._reader, min(settles_at, deadline)) or self._readable():
                return True
            if settles_at > deadline:
                return False
            self._settle()
        return ready(self._reader, deadline) or self._readable()

    def _readable(self) -> bool:
        """Whether something is there to be read: of a timer and a socket that are due together, the timer is seen."""
        assert self._sock is not None
        try:
            self._sock.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass  # reading will tell
        return True

    def _read(self, so_far: int) -> None:
        """One read into the inbox; raises Closed or Reset. `so_far`: bytes of this reply that came before."""
        assert self._sock is not None
        try:
            data = self._sock.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            raise Reset(f"recv: {error}") from None
        if not data:
            so_far += self._inbox.pending
            raise Closed(f"by the server, {so_far} bytes into a reply" if so_far else "by the server")
        self.recorder.bytes_received += len(data)
        self._inbox.feed(data, time.perf_counter(), so_far > 0)

    def _send_rest(self, sock: _socket.socket, rest: memoryview) -> None:
        """What a full buffer left over. Replies are read meanwhile, or two full buffers would wait for each other."""
        watcher = gevent.get_hub().loop.io(sock.fileno(), READ | WRITE)
        deadline = self._in_flight[-1][1] + self.send_timeout
        try:
            while rest:
                if not ready(watcher, deadline):
                    raise SendTimeout(f"{len(rest)} bytes were left")
                self._read(0)
                self._raise_failure()
                rest = rest[self._send_some(sock, rest) :]
        finally:
            watcher.close()

    def _raise_failure(self) -> None:
        """What can't wait until the replies before it were taken: nothing comes after it."""
        failure = self._inbox.failure()
        if failure is not None:
            raise failure

    def _send_some(self, sock: _socket.socket, rest: memoryview) -> int:
        try:
            sent = sock.send(rest)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._last_words(error) from None
        self.recorder.bytes_sent += sent
        return sent

    def _last_words(self, error: OSError) -> RawSocketError:
        """Why a send failed: an error line that had arrived says it better than the reset that followed it."""
        with contextlib.suppress(RawSocketError):
            self._read(0)
        return self._inbox.failure() or Reset(f"send: {error}")

    def _settle(self) -> None:
        if self._settled:
            return
        self._settled = True
        self.recorder.settled(self._reconnect)
        self._event(RECONNECT if self._reconnect else CONNECT, self._connect_seconds, 0, None)

    def _settle_as(self, failure: RawSocketError) -> bool:
        """Record how the attempt ended, if it hasn't yet; False if this failure is what ended it."""
        if self._settled or not isinstance(failure, ServerFull):
            self._settle()
            return True
        self._settled = True
        self.recorder.attempt_failed(failure.name)
        self._event(RECONNECT if self._reconnect else CONNECT, self._connect_seconds, 0, failure)
        return False

    def _lose(self, failure: RawSocketError, waiting: tuple[str, float] | None = None) -> RawSocketError:
        """Account for the connection and its messages, end it, and give the failure back to be raised.

        `waiting`: row and begin of a wait for something that no message in flight has asked for.
        """
        recorder, in_flight, now = self.recorder, self._in_flight, time.perf_counter()
        usable = self._settle_as(failure)
        if usable:
            recorder.drop(failure.name)
        came = bool(in_flight) and failure.name in WRONG_REPLIES
        recorder.wrong += came
        recorder.unanswered += len(in_flight) - came
        self._shut()
        for name, since in in_flight or ([waiting] if waiting and usable else []):
            self._event(name, now - since, 0, failure)
        if usable and not in_flight and not waiting:
            self._event(DROP, None, 0, failure)
        return failure

    def _shut(self) -> None:
        assert self._sock is not None
        self._reader.close()
        self._sock.close()
        self._reader = self._sock = None
        self._in_flight = []
        self.recorder.held -= 1

    def _event(self, row: str, seconds: float | None, length: int, failure: RawSocketError | None) -> None:
        """The one place where an event is recorded and made known."""
        self.recorder.event(row, seconds, length, None if failure is None else failure.name)
        if self.listener is not None:
            self.listener(row, None if seconds is None else seconds * 1000, length, failure)


def _check_timeout(seconds: float) -> None:
    if not isinstance(seconds, int | float) or not seconds > 0:
        raise ValueError(f"a timeout of {seconds!r}, where a number of seconds above 0 is needed")
