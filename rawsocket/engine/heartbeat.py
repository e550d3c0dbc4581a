"""A message that a connection sends by itself, on a grid of its own, until the connection ends."""

import time

from rawsocket.engine.connection import Connection
from rawsocket.engine.exchange.in_flight import NOBODY, call
from rawsocket.engine.schedule import Random, first_slot, on_grid
from rawsocket.errors import RawSocketError
from rawsocket.wire.payload import Expected


class Heartbeat:
    """Sends `payload` every `every` seconds; `idle`: only that long after the last message that was sent.

    It ends with the connection, or when nothing may be sent any more. Raises ValueError if the framing can't carry the
    payload, Closed if the connection is not open. A failure of a later heartbeat is reported as the connection's loss.
    """

    __slots__ = ("_connection", "_due", "_every", "_expect", "_idle", "_name", "_payload", "_reply", "key")

    def __init__(
        self,
        connection: Connection,
        payload: bytes,
        expect: Expected,
        name: str,
        *,
        every: float,
        reply: bool,
        idle: bool,
        random: Random,
    ) -> None:
        self._connection = connection
        self._every = every
        self._payload = payload
        self._expect = expect
        self._name = name
        self._reply = reply
        self._idle = idle
        self.key = 0  # the reactor's
        connection.config.encode(payload)
        if idle:
            connection.with_exchange().permanent = True  # it knows when the last message was sent
        now = time.perf_counter()
        self._at(on_grid(now + every) if idle else first_slot(now, every, random))

    def on_time(self) -> None:
        """Send, unless the connection has ended or is not idle."""
        connection, due = self._connection, self._due
        if not connection.is_open or (connection.exchange is not None and connection.exchange.is_shut):
            return
        if self._idle and self._idle_since + self._every > due:
            self._at(on_grid(self._idle_since + self._every))
            return
        self._at(on_grid(due + self._every))
        try:
            call(self._send, due)
        except RawSocketError as failure:
            if connection.is_open:  # it is the scenario's own error: a key that is in use
                connection.lose(failure)
            else:
                connection.owner.on_lost(failure)

    def _send(self, due: float) -> None:
        if self._reply:
            self._connection.send(self._payload, self._name, self._expect, due, NOBODY)
        else:
            self._connection.send_one_way(self._payload, self._name, due)

    @property
    def _idle_since(self) -> float:
        exchange = self._connection.exchange
        return max(self._connection.connected_at, 0.0 if exchange is None else exchange.sent_at)

    def _at(self, due: float) -> None:
        self._due = due
        self._connection.config.reactor.at(due, self)
