"""Sends what the kernel did not take at once, and what must be sent slowly; then it may close that direction."""

import _socket
import time
from typing import Any, Protocol

from rawsocket.engine.config import ConnectionConfig
from rawsocket.engine.exchange.in_flight import InFlight
from rawsocket.engine.exchange.outgoing import Outgoing
from rawsocket.engine.exchange.throttle import Flow
from rawsocket.engine.reactor import READABLE, WRITABLE, Handler

NEVER = float("inf")


class Exchange(Protocol):
    """The exchange, as far as its sender uses it."""

    def send_failed(self, error: OSError) -> None:
        """Handle that a later send has failed."""

    def set_deadline(self) -> None:
        """Set the connection's deadline."""

    def drained(self) -> None:
        """Handle that the kernel has taken all that was sent."""


class OwnedHandler(Handler, Protocol):
    """The connection: it gets the events of the socket."""

    owner: Any


class Sender:
    """The sending half of an exchange; `handler` gets the events of the socket."""

    __slots__ = ("_config", "_exchange", "_flow", "_handler", "_outgoing", "is_shut", "reads", "sock")

    def __init__(
        self, exchange: Exchange, config: ConnectionConfig, sock: _socket.socket, handler: OwnedHandler
    ) -> None:
        self._exchange = exchange
        self._config = config
        self.sock = sock
        self._handler = handler
        self._outgoing = Outgoing()
        self.is_shut = False  # whether nothing may be sent any more
        self._flow: Flow | None = None  # of a slow client
        self.reads = True  # whether the connection is read as soon as something arrives

    @property
    def is_sending(self) -> bool:
        """Whether bytes wait for the kernel."""
        return bool(self._outgoing)

    @property
    def waiting(self) -> int:
        """Bytes that wait for the kernel."""
        return self._outgoing.size

    @property
    def one_way(self) -> list[InFlight]:
        """One-way messages that are not completely sent."""
        return self._outgoing.one_way

    @property
    def one_way_count(self) -> int:
        """How many they are."""
        return len(self._outgoing.one_way) if self._outgoing else 0

    @property
    def deadline(self) -> float:
        """When the send timeout passes."""
        return self._outgoing.since + self._config.send_timeout if self._outgoing else NEVER

    def send(self, data: bytes, now: float, one_way: InFlight | None = None) -> None:
        """Pass bytes to the kernel behind those that wait, and keep what it does not take. Raises OSError."""
        if self._flow is None and not self._outgoing:
            taken = self._take(data)
            if taken == len(data):
                if one_way is not None:
                    self._config.accounting.sent_one_way(self._handler.owner, one_way.name, one_way.size)
                return
            self.keep(memoryview(data)[taken:], now, one_way)
        else:
            self._outgoing.add(data, now, one_way)

    def _take(self, data: bytes) -> int:
        """Pass bytes to the kernel; return how many it took. Raises OSError."""
        try:
            taken = self.sock.send(data)
        except BlockingIOError:
            return 0
        self._config.recorder.bytes_sent += taken
        return taken

    def keep(self, rest: memoryview, now: float, one_way: InFlight | None = None) -> None:
        """Send the rest of a message when the kernel can take more."""
        self._outgoing.add(rest, now, one_way)
        self.watch()

    def on_writable(self) -> None:
        """Send more: the kernel can take it."""
        if self._flow is None:
            self.send_some(None)

    def send_some(self, limit: int | None) -> None:
        """Send up to `limit` of the bytes that wait."""
        if not self._outgoing:
            return
        try:
            self._flush(time.perf_counter(), limit)
        except OSError as error:
            self._exchange.send_failed(error)
            return
        if self._outgoing:
            self._exchange.set_deadline()
        else:
            self.watch()
            self._exchange.drained()

    def refuse_after_shutdown(self) -> None:
        """Raise RuntimeError if nothing may be sent any more."""
        if self.is_shut:
            raise RuntimeError("nothing can be sent after ShutdownWrite()")

    def shut_down(self) -> None:
        """Send no more once the kernel has taken what waits: the server sees the end of the stream."""
        self.refuse_after_shutdown()
        self.is_shut = True
        self._shut_if_drained()

    def throttle(self, flow: Flow | None) -> None:
        """Send at the steps of `flow` from now on; None: as fast as the kernel takes it."""
        if self._flow is not None:
            self._flow.stop()
        self._flow = flow

    def watch(self) -> None:
        """Watch the socket for what can be done on it now."""
        events = READABLE if self.reads else 0
        if self._outgoing and self._flow is None:
            events |= WRITABLE
        self._config.reactor.take_over(self.sock.fileno(), self._handler, events)

    def _flush(self, now: float, limit: int | None = None) -> None:
        taken, one_way = self._outgoing.flush(self.sock, now, limit)
        self._config.recorder.bytes_sent += taken
        for message in one_way:
            self._config.accounting.sent_one_way(self._handler.owner, message.name, message.size)
        self._shut_if_drained()

    def _shut_if_drained(self) -> None:
        if self.is_shut and not self._outgoing:
            self.sock.shutdown(_socket.SHUT_WR)
