"""The owner of a connection that waits in a greenlet: each callback ends the wait of the call in progress."""

import time
from collections.abc import Callable
from typing import Any

from gevent.hub import Waiter

from rawsocket.engine.config import ConnectionConfig
from rawsocket.engine.connection import Connection
from rawsocket.errors import Closed, NotConnected, RawSocketError


class BlockingOwner:
    """What `RawSocketClient` does with the callbacks of its connection and of the reactor's timer."""

    __slots__ = ("_config", "_connection", "_context", "_result", "_sends", "_waiter", "key", "reads_later", "user")

    def _set_up(self, config: ConnectionConfig, context: Callable[[], dict[str, Any]], user: Any) -> None:
        self._config = config
        self._context = context
        self._connection: Connection | None = None
        self._waiter: Any = None
        self._result: tuple[Any, BaseException | None] | None = None  # of a callback while no call waited
        self._sends = False  # whether send() waits for the kernel
        self.user = user  # whose client it is, if it is a user's
        self.reads_later = True  # unsolicited data may wait for a receive
        self.key = 0  # the reactor's

    @property
    def handlers(self) -> Any:
        """What the user says of messages."""
        return self.user

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
        """A reply is kept for receive(); no call waits for it."""

    on_answered = on_kept

    def on_ended(self) -> None:
        """The server has ended the connection as expected; the next call raises Closed."""

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
            config.accounting.not_opened(connection, time.perf_counter() - started, failure)
            raise
        except BaseException:
            config.recorder.abandoned += 1
            raise

    def _watch(self) -> None:
        """Wait for a callback; unsolicited data that arrives meanwhile is `wrong`."""
        assert self._connection is not None
        self.reads_later = False
        try:
            if self._connection.exchange is not None:
                self._connection.exchange.deliver()
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

    def _wait_until_sent(self, connection: Connection) -> None:
        """Wait until the kernel has taken all that was sent."""
        self._sends = connection.is_sending
        if self._sends:
            self._watch()

    def _wait_for_message(self, connection: Connection, until: float | None) -> Any:
        """Wait for the message of a receive(); return None at `until`, if it is given."""
        reactor = self._config.reactor
        if until is not None:
            reactor.at(until, self)
        try:
            return self._wait()
        finally:
            connection.stop_receiving()  # if it is too late, or the greenlet was interrupted, by a gevent.Timeout
            if until is not None:
                reactor.forget(self)
