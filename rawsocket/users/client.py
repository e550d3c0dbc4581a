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

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
from gevent.hub import Waiter

from rawsocket.engine.config import ConnectionConfig, check_timeout
from rawsocket.engine.connection import Connection
from rawsocket.engine.in_flight import at_receive
from rawsocket.engine.process import engine
from rawsocket.errors import Closed, NotConnected, RawSocketError
from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.recorder import RECORDER, Recorder
from rawsocket.target import Target
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


class RawSocketClient:
    """Sends framed messages to one target and checks the replies; see the module's rules.

    All timeouts are seconds and required. `listener` is called with each event after it was recorded.
    """

    __slots__ = ("_config", "_connection", "_context", "_result", "_sends", "_waiter", "key", "reads_later")

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
        )
        self._set_up(config, dict)

    def _set_up(self, config: ConnectionConfig, context: Callable[[], dict[str, Any]]) -> None:
        self._config = config
        self._context = context
        self._connection: Connection | None = None
        self._waiter: Any = None
        self._result: tuple[Any, BaseException | None] | None = None  # of a callback while no call waited
        self._sends = False  # whether send() waits for the kernel
        self.reads_later = True  # unsolicited data may wait for a receive
        self.key = 0  # the reactor's

    @classmethod
    def of(cls, config: ConnectionConfig, context: Callable[[], dict[str, Any]]) -> "RawSocketClient":
        """Return a client with this configuration; `context` returns what listeners on `events.request` get."""
        client = cls.__new__(cls)
        client._set_up(config, context)
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

        Raises Refused, ConnectTimeout or Reset. A refusal by `ERR server full` comes later, from the next call.
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
        self, payload: bytes, *, name: str = "request", expect: Expected = None, due: float | None = None
    ) -> bytes:
        """Send one message and return its whole reply, without frame, within the reply timeout.

        `due` is when it should have been sent, in `time.perf_counter()` seconds (default: now). `expect` is the only
        correct reply, or a callable that says whether a reply is correct; None accepts any.
        Raises Closed, Reset, ServerFull, SendTimeout, ReplyTimeout, Short, TooLong or Wrong.
        """
        connection = self._open_connection()
        if connection.in_flight:
            raise RuntimeError("request() while messages are in flight: receive() their replies first")
        connection.refuse_unread()
        connection.request(payload, name, expect, self._due(due))
        reply: bytes = self._wait()
        return reply

    def send(self, payload: bytes, *, name: str = "request", due: float | None = None) -> None:
        """Send one message; a later `receive` returns its reply.

        `due` as in `request`. Raises Closed, Reset, ServerFull, SendTimeout or Wrong; ValueError if the framing can't
        carry it.
        """
        connection = self._open_connection()
        connection.refuse_unread()
        connection.send(payload, name, at_receive, self._due(due))
        self._sends = connection.is_sending
        if self._sends:
            self._watch()

    def receive(self, *, name: str | None = None, timeout: float | None = None, expect: Expected = None) -> bytes:
        """Return the reply to the oldest message in flight, or if none is in flight, an unsolicited message.

        `name` is the row (default: the name in `send`); `timeout` seconds (default: the reply timeout).
        Raises the same as `request`; a timeout closes the connection.
        """
        if timeout is not None:
            check_timeout(timeout)
        connection = self._open_connection()
        message = connection.receive(timeout, name, expect)
        if message is None:
            connection.deliver()
            try:
                message = self._wait()
            finally:
                connection.stop_receiving()  # if the greenlet was interrupted, by a gevent.Timeout for example
        return message

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

    def close(self) -> None:
        """Close the connection, if any; messages in flight count as unanswered, not as failures."""
        if self._connection is not None:
            self._connection.close()
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

    # -- callbacks of the connection and of the reactor's timer -------------------------------------------------

    def on_open(self) -> None:
        """The connection is open."""
        self._finish(None)

    def on_not_opened(self, failure: RawSocketError) -> None:
        """The connection could not be opened."""
        self._finish(None, failure)

    def on_reply(self, reply: bytes) -> None:
        """The reply to a request has arrived."""
        self._finish(reply)

    on_received = on_reply

    def on_kept(self) -> None:
        """Never called: replies to this client stay in the receive buffer."""

    def on_writable(self) -> None:
        """The kernel has taken all that was sent."""
        if self._sends:
            self._finish(None)

    def on_lost(self, failure: RawSocketError) -> None:
        """The connection has failed."""
        self._finish(None, failure.__cause__ or failure)

    def on_time(self) -> None:
        """A watch is over."""
        self._finish(None)

    def context(self) -> dict[str, Any]:
        """Return what listeners on `events.request` get as the context."""
        return self._context()

    # -- waiting ------------------------------------------------------------------------------------------------

    def _open_connection(self) -> Connection:
        """Return the connection; raise the loss that happened since the last call, or Closed."""
        result, self._result = self._result, None
        if result is not None and result[1] is not None:
            raise result[1]
        if self._connection is None or not self._connection.is_open:
            if self._connection is None:
                raise NotConnected("this call needs a connection: connect() before it")
            # Not recorded again: the loss was recorded when it happened.
            raise Closed("not connected")
        return self._connection

    def _resolve(self, connection: Connection) -> None:
        config, started = self._config, time.perf_counter()
        try:
            config.connector.resolver.resolve(config.target, started + config.connect_timeout)
        except RawSocketError as failure:
            connection.connect_failed(started, failure)
            raise
        except BaseException:
            config.recorder.abandoned += 1
            raise

    def _watch(self) -> None:
        """Wait for a callback; unsolicited data that arrives meanwhile is `wrong`."""
        assert self._connection is not None
        self.reads_later = False
        try:
            self._connection.deliver()
            self._wait()
        finally:
            self.reads_later = True
            self._sends = False

    def _wait(self) -> Any:
        """Wait for the callback, unless it has been called; return its value or raise its failure."""
        result, self._result = self._result, None
        if result is None:
            self._waiter = waiter = Waiter()
            try:
                return waiter.get()
            finally:
                self._waiter = None
        value, failure = result
        if failure is not None:
            raise failure
        return value

    def _finish(self, value: Any, failure: BaseException | None = None) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            self._result = value, failure
        elif failure is None:
            waiter.switch(value)
        else:
            waiter.throw(failure)

    def _due(self, due: float | None) -> float:
        return 0.0 if due is None else min(due, time.perf_counter())


class _ListenerAdapter:
    """Passes events on in milliseconds, without their owner."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def event(self, owner: Any, row: str, seconds: float | None, length: int, failure: RawSocketError | None) -> None:
        self._listener(row, None if seconds is None else seconds * 1000, length, failure)
