"""What is known of a connection at any time: its parts, its flags, and what waits for the server."""

import _socket
from collections.abc import Sequence
from typing import Any

from rawsocket.engine.accounting import ANSWERED, RETRY, SETTLED
from rawsocket.engine.callbacks import Owner
from rawsocket.engine.config import ConnectionConfig
from rawsocket.engine.connect.attempt import ConnectAttempt
from rawsocket.engine.connect.client_socket import readable
from rawsocket.engine.exchange.exchange import Exchange
from rawsocket.engine.exchange.in_flight import CALLER, InFlight
from rawsocket.engine.exchange.sender import NEVER
from rawsocket.measurement.overdue import OWED_AFTER

# The one message in flight: row, due, sent, the whole reply with its frame, `expect`, key. A plain tuple is cheap.
Flight = tuple[str, float, float, bytes | None, Any, Any]


class ConnectionState:
    """The parts of a connection; connection.py changes them. Times are seconds of `time.perf_counter()`."""

    __slots__ = (
        "_attempt",
        "_flight",
        "_sock",
        "config",
        "connect_seconds",
        "connected_at",
        "connection_id",
        "deadline",
        "exchange",
        "flags",
        "message_no",
        "owner",
    )

    def __init__(self, config: ConnectionConfig, owner: Owner, reconnect: bool = False) -> None:
        self.config = config
        self.owner = owner
        self.flags = RETRY if reconnect else 0
        self.deadline = NEVER
        self.connected_at = self.connect_seconds = 0.0
        self.connection_id = 0
        self.message_no = 0  # messages sent
        self._attempt: ConnectAttempt | None = None
        self._sock: _socket.socket | None = None
        self._flight: Flight | None = None
        self.exchange: Exchange | None = None

    @property
    def reconnect(self) -> bool:
        """Whether it replaces a connection that was lost or could not be opened."""
        return bool(self.flags & RETRY)

    @property
    def settled(self) -> bool:
        """Whether the connect attempt is recorded."""
        return bool(self.flags & SETTLED)

    @property
    def answered(self) -> bool:
        """Whether a correct reply has arrived on it."""
        return bool(self.flags & ANSWERED)

    @property
    def is_open(self) -> bool:
        """Whether it is connected, as far as is known."""
        return self._sock is not None

    @property
    def is_closed(self) -> bool:
        """Whether it has ended, or has not begun."""
        return not (self._sock or self._attempt)

    @property
    def in_flight(self) -> int:
        """Messages that were sent and have no reply yet, or are one-way and not completely sent."""
        if self.exchange is None:
            return int(self._flight is not None)
        return len(self.exchange.in_flight) + self.exchange.sender.one_way_count

    @property
    def is_sending(self) -> bool:
        """Whether the kernel has not taken all that was sent."""
        return self.exchange is not None and self.exchange.sender.is_sending

    @property
    def replies_to_receive(self) -> int:
        """Replies for a receive(), be they outstanding or kept."""
        return 0 if self.exchange is None else self.exchange.receiver.replies_to_receive

    @property
    def awaited_since(self) -> float:
        """When the oldest message was sent whose reply is outstanding; NEVER if none is, or if unread bytes are there.

        Only a slow client leaves bytes unread, through its exchange; any other connection is read at once.
        """
        if self._flight is not None:
            return self._flight[2]
        awaited = () if self.exchange is None else self.exchange.awaited()
        return NEVER if not awaited or (self._sock and readable(self._sock)) else awaited[0].sent

    def waiting_for(self, now: float) -> tuple[str, float, list[float]] | None:
        """Return outstanding replies: row ("" while connecting) and age (seconds) of the oldest, due times of all.

        Return None if none is outstanding, if the oldest is younger than OWED_AFTER, or if unread bytes have arrived.
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
            name, due, sent, _, expect, key = self._flight
            return [InFlight(name, due, sent, expect, CALLER, None, key)]
        return () if self.exchange is None else [*self.exchange.in_flight, *self.exchange.sender.one_way]
