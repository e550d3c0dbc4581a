"""The socket client: one connection at a time, on which messages go out and whole, checked replies come back.

Strategy: a plain greenlet, a non-blocking socket, one reusable watcher. Whatever is read goes through
the framing's decoder into an inbox; `receive` takes replies from there and matches them to the
messages in flight in the order in which these were sent.

Rules:

- Every failure ends the connection: what comes after a wrong, late or cut reply can't be trusted to
  belong to the next message. It is recorded once (see books.py), raised as its named exception, and leaves the
  client unconnected.
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
import time
from collections.abc import Callable
from typing import Any

import gevent

from rawsocket.engine.accounting import SETTLES_AFTER, Books
from rawsocket.engine.dial import READ, WRITE, dial, readable, ready
from rawsocket.engine.in_flight import GRACE, LATE_AFTER, READ_SIZE
from rawsocket.errors import Closed, RawSocketError, ReplyTimeout, Reset, SendTimeout, Wrong
from rawsocket.measurement.overdue import OWED_AFTER, Waiting
from rawsocket.measurement.recorder import RECORDER, Recorder
from rawsocket.measurement.rows import Times
from rawsocket.target import Target
from rawsocket.wire.framing import MAX_SIZE, Framing
from rawsocket.wire.payload import Expected, judge, whole
from rawsocket.wire.payload import payload as make_payload
from rawsocket.wire.replies import Inbox

# Told of every event: row, milliseconds from when it was due (None: has no time), bytes of the reply, failure.
Listener = Callable[[str, float | None, int, RawSocketError | None], None]


class RawSocketClient(Books):
    """Sends framed messages to one target and demands the right replies; see the module's rules.

    All timeouts are seconds and required. `listener` is told of each event after the recorder.
    """

    __slots__ = (
        "_cut",
        "_in_flight",
        "_inbox",
        "_reader",
        "_receives",
        "_recorder",
        "_sock",
        "connect_timeout",
        "framing",
        "listener",
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
        super().__init__()
        self.target = target
        self.framing = framing
        self.connect_timeout = connect_timeout
        self.send_timeout = send_timeout
        self.reply_timeout = reply_timeout
        self.listener = listener
        self._recorder = recorder
        self._sock: _socket.socket | None = None
        self._reader: Any = None
        self._inbox = Inbox(framing)
        # Row, time when due and time when sent of each message without its reply.
        self._in_flight: list[tuple[str, float, float]] = []
        self._cut = False  # whether the last of them is not wholly sent
        self._receives = False  # whether the next reply is waited for

    @property
    def recorder(self) -> Recorder:
        """Where events are counted."""
        return self._recorder

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
        self.reconnect = reconnect
        started = time.perf_counter()
        try:
            sock = dial(self.target, self.connect_timeout)
        except RawSocketError as failure:
            self.never_opened(started, time.perf_counter(), failure)
            raise
        except BaseException:
            self._recorder.abandoned += 1
            raise
        self.opened(started, time.perf_counter())
        self._inbox = Inbox(self.framing)
        self._reader = gevent.get_hub().loop.io(sock.fileno(), READ)
        self._sock = sock
        self._recorder.clients.add(self)

    def request(
        self, payload: bytes, *, name: str = "request", expect: Expected = None, due: float | None = None
    ) -> bytes:
        """Send one message and give its whole reply, without frame, within the reply timeout.

        `due` is when it should have been sent, in `time.perf_counter()` seconds (default: now). `expect` is the only
        right reply, or a callable that says whether a reply is right; None takes any.
        Raises Closed, Reset, ServerFull, SendTimeout, ReplyTimeout, Short, TooLong or Wrong.
        """
        if self._in_flight:
            raise RuntimeError("request() while messages are in flight: receive() their replies first")
        self.send(payload, name=name, due=due)
        return self._receive(name, self.reply_timeout, expect)

    def send(self, payload: bytes, *, name: str = "request", due: float | None = None) -> None:
        """Send one message, whose reply `receive` will take. Nothing is recorded before its fate is known.

        `due` as of `request`. Raises Closed, Reset, ServerFull, SendTimeout or Wrong; ValueError if the framing can't
        carry it.
        """
        data = self.framing.encode(payload)
        sock = self._open_socket()
        if not self._in_flight and (self._inbox or self._inbox.pending):
            raise self._lose(self._inbox.unexpected())
        now = time.perf_counter()
        due = now if due is None else min(due, now)
        self._in_flight.append((name, due, now))
        self.recorder.sent += 1
        self.recorder.late += now - due > LATE_AFTER
        self.message_no += 1
        self._cut = True
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
        self._cut = False

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

    def waiting(self, now: float) -> Waiting | None:
        """What waits for the server; None if nothing does, or nobody waits for it."""
        if not self._in_flight or self._sock is None or not (self._receives or self._cut):
            return None
        name, _, sent = self._in_flight[0]
        if now - sent <= OWED_AFTER or readable(self._sock):
            return None
        return Waiting(name, now - sent, [(now - due, 1) for _, due, _ in self._in_flight])

    def close(self) -> None:
        """End the connection, if there is one; messages in flight count as unanswered, not as failures."""
        if self._sock is None:
            return
        in_flight = self._shut()
        self.closed(len(in_flight), self._cut)

    def _open_socket(self) -> _socket.socket:
        if self._sock is None:
            # Not an event of its own: the loss was recorded when it happened.
            raise Closed("not connected")
        return self._sock

    def _receive(self, name: str, timeout: float, expect: Expected) -> bytes:
        started = time.perf_counter()
        unasked = not self._in_flight
        due_at = sent_at = started
        if not unasked:
            _, due_at, sent_at = self._in_flight[0]
            self._in_flight[0] = (name, due_at, sent_at)
        self._receives = True
        try:
            reply, at, first = self._take_reply(started + timeout, expect)
        except RawSocketError as failure:
            raise self._lose(failure, waiting=(name, started) if unasked else None) from None
        except Exception as error:  # of the caller's own `expect`
            self._lose(Wrong(f"expect raised {error!r}"), waiting=(name, started) if unasked else None)
            raise
        finally:
            self._receives = False
        self.settle()
        self.answered = True
        if unasked:
            self._recorder.pushed += 1
        else:
            del self._in_flight[0]
            self._recorder.answered += 1
        self.tell(name, (at - due_at, at - sent_at, first - sent_at), len(reply), None)
        return reply

    def _take_reply(self, deadline: float, expect: Expected) -> tuple[bytes, float, float]:
        """The next right reply, when it was whole, and when its first byte came."""
        reply, at, first = self._next(deadline, b"")
        if self.framing.delimits or expect is None:
            failure = judge(expect, reply)
            if failure is not None:
                raise failure
            return reply, at, first
        while not whole(expect, reply, MAX_SIZE):
            more, at, _ = self._next(deadline, reply)
            reply += more
        return reply, at, first

    def _next(self, deadline: float, so_far: bytes) -> tuple[bytes, float, float]:
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
        if not self.settled:
            settles_at = self.connected_at + SETTLES_AFTER
            if ready(self._reader, min(settles_at, deadline)) or self._readable():
                return True
            if settles_at > deadline:
                return False
            self.settle()
        return ready(self._reader, deadline) or self._readable()

    def _readable(self) -> bool:
        """Whether something is there to be read: of a timer and a socket that are due together, the timer is seen."""
        assert self._sock is not None
        return readable(self._sock)

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
        self._recorder.bytes_received += len(data)
        self.heard = True
        self._inbox.feed(data, time.perf_counter(), so_far > 0)

    def _send_rest(self, sock: _socket.socket, rest: memoryview) -> None:
        """What a full buffer left over. Replies are read meanwhile, or two full buffers would wait for each other."""
        watcher = gevent.get_hub().loop.io(sock.fileno(), READ | WRITE)
        deadline = self._in_flight[-1][2] + self.send_timeout
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

    def _lose(self, failure: RawSocketError, waiting: tuple[str, float] | None = None) -> RawSocketError:
        """Account for the connection and its messages, end it, and give the failure back to be raised.

        `waiting`: row and begin of a wait for something that no message in flight has asked for.
        """
        now = time.perf_counter()
        in_flight = [(name, (now - due, now - sent, now - sent)) for name, due, sent in self._shut()]
        waited = None if waiting is None else (waiting[0], (now - waiting[1],) * 3)
        self.lost(failure, in_flight, waited, self._cut)
        return failure

    def _shut(self) -> list[tuple[str, float, float]]:
        """Close the socket; gives what was in flight."""
        assert self._sock is not None
        self._reader.close()
        self._sock.close()
        self._reader = self._sock = None
        self._recorder.clients.discard(self)
        in_flight, self._in_flight = self._in_flight, []
        self.ended()
        return in_flight

    def tell(self, row: str, times: Times | None, length: int, failure: RawSocketError | None) -> None:
        """Record an event, and tell the listener."""
        if failure is not None:
            self._recorder.failure(row, failure.name)
        elif times is not None:
            self._recorder.success(row, times, length)
        if self.listener is not None:
            self.listener(row, None if times is None else times[0] * 1000, length, failure)


def _check_timeout(seconds: float) -> None:
    if not isinstance(seconds, int | float) or not seconds > 0:
        raise ValueError(f"a timeout of {seconds!r}, where a number of seconds above 0 is needed")
