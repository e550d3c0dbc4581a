"""A message that a connection sends by itself, on a grid of its own, until the connection ends."""

import time
from collections.abc import Callable
from typing import Protocol

from rawsocket.engine.connection import Connection
from rawsocket.engine.exchange.in_flight import NOBODY, call
from rawsocket.engine.schedule import Random, first_slot, on_grid
from rawsocket.errors import RawSocketError
from rawsocket.wire.payload import Expected


class Beat(Protocol):
    """What is sent: the row's name, every how many seconds, whether a reply comes, and which is correct.

    `payload`: the message, or a function that makes each of them. `idle`: only that long after the last message that
    was sent.
    """

    every: float
    payload: bytes | Callable[[], bytes]
    expect: Expected
    name: str
    reply: bool
    idle: bool


class Heartbeat:
    """Sends a beat again and again; `random` chooses where its grid begins.

    It ends with the connection, at a goodbye, or when nothing may be sent any more. Raises ValueError if the framing
    can't carry the payload, Closed if the connection is not open. A failure of a later heartbeat is reported as the
    connection's loss.
    """

    __slots__ = ("_beat", "_connection", "_due", "key")

    def __init__(self, connection: Connection, beat: Beat, random: Random) -> None:
        self._connection = connection
        self._beat = beat
        self.key = 0  # the reactor's
        if not callable(beat.payload):
            connection.config.encode(beat.payload)
        if beat.idle:
            connection.with_exchange().permanent = True  # it knows when the last message was sent
        now = time.perf_counter()
        self._at(on_grid(now + beat.every) if beat.idle else first_slot(now, beat.every, random))

    def on_time(self) -> None:
        """Send, unless the connection has ended or is not idle."""
        connection, beat, due = self._connection, self._beat, self._due
        exchange = connection.exchange
        if not connection.is_open or (exchange is not None and (exchange.is_shut or not exchange.has_heartbeats)):
            return
        if beat.idle and self._idle_since + beat.every > due:
            self._at(on_grid(self._idle_since + beat.every))
            return
        self._at(on_grid(due + beat.every))
        try:
            call(self._send, due)
        except RawSocketError as failure:
            if connection.is_open:  # it is the scenario's own error: a key that is in use
                connection.lose(failure)
            else:
                connection.owner.on_lost(failure)

    def _send(self, due: float) -> None:
        beat = self._beat
        payload = beat.payload() if callable(beat.payload) else beat.payload
        if beat.reply:
            self._connection.send(payload, beat.name, beat.expect, due, NOBODY)
        else:
            self._connection.send_one_way(payload, beat.name, due)

    @property
    def _idle_since(self) -> float:
        exchange = self._connection.exchange
        return max(self._connection.connected_at, 0.0 if exchange is None else exchange.sent_at)

    def _at(self, due: float) -> None:
        self._due = due
        self._connection.config.reactor.at(due, self)
