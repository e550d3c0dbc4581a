"""`RawSocketClient`: a blocking client with one connection at a time, for a greenlet: connect, send, receive.

Strategy: a thin blocking facade on the engine's Connection. Each call starts its work there and waits for the callback.
The rules on sending, matching, failures and accounting are in engine/connection.py. The facade adds:

- Between two calls the socket is watched, too. A loss is recorded when it happens; the next call raises it.
- Unsolicited data stays in the buffer for `receive`. If it is still there at a `send` or a `watch`, it is `wrong`.
- The reply to a message of `send` is checked by the `receive` that returns it; its latency ends when it arrived.
- If the greenlet is killed in a call, `close` leaves the recorder's invariants intact: messages in flight count as
  unanswered, a connect in progress as abandoned.

One client belongs to one greenlet. Times are `time.perf_counter()`.
"""

import math
import random
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent

from rawsocket.engine.config import ConnectionConfig, check_timeout
from rawsocket.engine.connection import Connection
from rawsocket.engine.engine import engine
from rawsocket.engine.exchange.in_flight import CALLER, KEPT, Receiving, Until, at_receive
from rawsocket.engine.heartbeat import Heartbeat
from rawsocket.engine.tls.configuration import Tls
from rawsocket.engine.tls.start_tls import start_tls
from rawsocket.errors import RawSocketError
from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.recorder import RECORDER, Recorder
from rawsocket.target import Target
from rawsocket.users import steps
from rawsocket.users.blocking_owner import BlockingOwner
from rawsocket.wire.framing import Framing
from rawsocket.wire.payload import Expected, payload

# Receives every event: row, milliseconds since it was due (None: no time), bytes of the reply, failure.
# It runs inside gevent's hub and must not block.
Listener = Callable[[str, float | None, int, RawSocketError | None], None]


def _timeout(name: str) -> property:
    def read(client: "RawSocketClient") -> float:
        return float(getattr(client._config, name))

    def change(client: "RawSocketClient", seconds: float) -> None:
        check_timeout(seconds)
        client._config.deadlines.at_least(seconds)
        setattr(client._config, name, seconds)

    return property(read, change, doc=f"The {name.replace('_', ' ')} in seconds, from the next call on.")


class RawSocketClient(BlockingOwner):
    """Sends framed messages to one target and checks the replies; see the module's rules.

    All timeouts are seconds and required. `listener` is called with each event after it was recorded.
    """

    __slots__ = ()

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
        tls: Tls | None = None,
    ) -> None:
        events = SimpleNamespace(listener=None if listener is None else _ListenerAdapter(listener))
        config = ConnectionConfig(
            engine(),
            recorder,
            recorder.rows,
            events,
            target,
            framing,
            connect_timeout=connect_timeout,
            send_timeout=send_timeout,
            reply_timeout=reply_timeout,
            tls=tls,
        )
        self._set_up(config, dict, None)

    @classmethod
    def of(cls, config: ConnectionConfig, context: Callable[[], dict[str, Any]], user: Any = None) -> "RawSocketClient":
        """Return a client with this configuration; `context` returns what listeners on `events.request` get.

        `user` has the handlers that the configuration says count: `is_push`, `on_push`, `request_key`, `reply_key`.
        """
        client = cls.__new__(cls)
        client._set_up(config, context, user)
        return client

    connect_timeout = _timeout("connect_timeout")
    send_timeout = _timeout("send_timeout")
    reply_timeout = _timeout("reply_timeout")

    @property
    def target(self) -> Target:
        """Where it connects to."""
        return self._config.target

    @property
    def framing(self) -> Framing:
        """The rule for where a message ends."""
        return self._config.framing

    @property
    def recorder(self) -> Recorder:
        """Where events are counted."""
        return self._config.recorder

    @property
    def connected(self) -> bool:
        """Whether the connection is open, as far as is known."""
        return self._connection is not None and self._connection.is_open

    @property
    def connection(self) -> Connection | None:
        """The connection that is open, or was last; None before the first."""
        return self._connection

    @property
    def connected_at(self) -> float:
        """When the connection opened; 0 before the first."""
        return 0.0 if self._connection is None else self._connection.connected_at

    @property
    def in_flight(self) -> int:
        """Messages that were sent and have no reply yet."""
        return 0 if self._connection is None else self._connection.in_flight

    def unique_payload(self, size: int) -> bytes:
        """Return a payload of `size` bytes that only the next message on this connection has."""
        connection = self._connection
        return payload(size, connection.connection_id, connection.message_no) if connection else payload(size, 0, 0)

    def connect(self, *, reconnect: bool = False) -> None:
        """Open the connection; `reconnect` says that it replaces one that was lost or could not be opened.

        Raises Refused, ConnectTimeout, Reset or TlsFailed; ServerFull comes later, from the next call.
        """
        if self.connected:
            raise RuntimeError("connect() on a client that is connected: close() it first")
        self._result = None
        self._connection = connection = Connection(self._config, self, reconnect)
        try:
            self._resolve(connection)
            connection.connect()
            self._wait()
        finally:
            connection.abandon()  # if the greenlet was killed

    def request(
        self,
        payload: bytes,
        *,
        name: str = "request",
        expect: Any = None,
        due: float | None = None,
        until: Until | None = None,
    ) -> Any:
        """Send one message and return its whole reply (bytes), without frame, within the reply timeout.

        `due` is when it should have been sent, in `time.perf_counter()` seconds (default: now). `expect` is the only
        correct reply, or a callable that says whether a reply is correct; None accepts any. With `until`, the reply is
        a list of frames, complete when `until(frames)` is true; `expect` is then the correct list, or a callable on it.
        Raises Closed, Reset, ServerFull, SendTimeout, ReplyTimeout, Short, TooLong or Wrong.
        """
        if until is not None or payload.__class__ is not bytes or name.__class__ is not str or expect.__class__ is list:
            steps.Request(payload, name, expect, until=until)  # raises if they make no sense
        connection = self._open_connection()
        if connection.exchange is not None:
            if connection.replies_to_receive:
                raise RuntimeError("request() while messages are in flight: receive() their replies first")
            connection.refuse_unread()
        if until is None:
            connection.request(payload, name, expect, self._due(due))
        else:
            connection.send(payload, name, expect, self._due(due), CALLER, until)
        return self._wait()

    def send(
        self,
        payload: bytes,
        *,
        name: str = "request",
        due: float | None = None,
        expect: Any = at_receive,
        reply: bool = True,
        until: Until | None = None,
    ) -> None:
        """Send one message; a later `receive` returns its reply, or with `reply=False` no reply comes.

        Without `expect`, the reply is checked by the `receive` that returns it, else when it arrives. The rest is as in
        `request`. Raises Closed, Reset, ServerFull, SendTimeout or Wrong; ValueError if the framing can't carry it.
        """
        steps.Send(payload, name, None if expect is at_receive else expect, reply, until)
        connection = self._open_connection()
        connection.refuse_unread()
        if reply:
            expect = None if until is not None and expect is at_receive else expect
            connection.send(payload, name, expect, self._due(due), KEPT, until)
        else:
            connection.send_one_way(payload, name, self._due(due))
        self._wait_until_sent(connection)

    def receive(
        self,
        *,
        name: str | None = None,
        timeout: float | None = None,
        expect: Expected = None,
        required: bool = True,
        since: float | Callable[[bytes], float] | None = None,
        only: Callable[[bytes], bool] | None = None,
    ) -> Any:
        """Return the reply to the oldest message in flight, or if none is in flight, an unsolicited message (bytes).

        `timeout` seconds (default: the reply timeout). A timeout closes the connection; with `required=False` it
        returns None instead. For a reply, `name` is the row (default: the name in `send`). For an unsolicited message
        `name`, `since` and `only` are as in the step `Receive`. Raises the same as `request`.
        """
        if timeout is not None:
            check_timeout(timeout)
        steps.Receive(name=name, only=only)
        connection, now = self._open_connection(), time.perf_counter()
        seconds = self.reply_timeout if timeout is None else timeout
        wanted = Receiving(name, expect, now, now + seconds if required else math.inf, since, only)
        message = connection.receive(wanted)
        if message is None:
            connection.with_exchange().deliver()
            message = self._wait_for_message(connection, None if required else now + seconds)
        return message

    def heartbeat(
        self,
        every: float,
        payload: bytes | Callable[[], bytes],
        *,
        expect: Expected = None,
        name: str = "heartbeat",
        reply: bool = True,
        idle: bool = False,
    ) -> None:
        """Send a message every `every` seconds from now on, until the connection ends; see the step `Heartbeat`."""
        Heartbeat(self._open_connection(), steps.Heartbeat(every, payload, expect, name, reply, idle), random.random)

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, outside the framing. They are no message."""
        connection = self._open_connection()
        connection.with_exchange().send_raw(steps.SendRaw(data).data)
        self._wait_until_sent(connection)

    def send_part(self, payload: bytes, size: int) -> None:
        """Send only the first `size` bytes of a message with its frame."""
        connection, step = self._open_connection(), steps.SendPart(payload, size)
        connection.with_exchange().send_part(step.payload, step.size)
        self._wait_until_sent(connection)

    def set_framing(self, framing: Framing) -> None:
        """Use another framing on this connection from here on. Unread bytes belong to it."""
        self._open_connection().with_exchange().set_framing(steps.SetFraming(framing).framing)

    def shutdown_write(self) -> None:
        """Send no more on this connection; see the step `ShutdownWrite`."""
        self._open_connection().with_exchange().shut_down()

    def start_tls(self, tls: Tls | None = None) -> None:
        """Encrypt the connection from here on; see the step `StartTls`."""
        start_tls(self._open_connection(), steps.StartTls(tls).tls, self.on_open)
        self._wait()

    def throttle(self, send: float | None = None, receive: float | None = None) -> None:
        """Send and read at most so many bytes a second from here on; None: no limit."""
        step = steps.Throttle(send, receive)
        self._open_connection().with_exchange().throttle(step.send, step.receive)

    def watch(self, seconds: float) -> None:
        """Wait for `seconds`; a loss of the connection is raised as a named failure when it happens.

        Replies to messages in flight are kept for `receive`. Without a connection it just waits.
        """
        if not self.connected and self._result is None:
            gevent.sleep(max(0.0, seconds))
            return
        self._open_connection()
        reactor = self._config.reactor
        reactor.at(time.perf_counter() + seconds, self)
        try:
            self._watch()
        finally:
            reactor.forget(self)

    def forget_replies(self) -> None:
        """Let no call wait for the replies to the messages in flight any more; they are recorded as they come."""
        if self.connected:
            self._open_connection().with_exchange().disown()

    def close(self, reset: bool = False) -> None:
        """Close the connection, if any; messages in flight count as unanswered, not as failures.

        With `reset`, the server gets a reset instead of the end of the stream.
        """
        if self._connection is not None:
            self._connection.close(reset)
        self._result = None

    def waiting(self, now: float) -> Waiting | None:
        """Return the messages that wait for the server; None if there are none, or if no call waits for a reply."""
        connection = self._connection
        if connection is None or (self._waiter is None and not connection.is_sending):
            return None
        found = connection.waiting_for(now)
        if found is None:
            return None
        name, owed, dues = found
        return Waiting(name, owed, [(now - due, 1) for due in dues]) if dues else None

    def _due(self, due: float | None) -> float:
        return 0.0 if due is None else min(due, time.perf_counter())


class _ListenerAdapter:
    """Passes events on in milliseconds, without their owner."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def event(self, owner: Any, row: str, seconds: float | None, length: int, failure: RawSocketError | None) -> None:
        self._listener(row, None if seconds is None else seconds * 1000, length, failure)
