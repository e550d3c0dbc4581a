"""A message that a connection sends by itself, on a grid of its own, until the connection ends."""

import time
from typing import Any, Protocol

from rawsocket.engine.reactor import Reactor
from rawsocket.engine.schedule import Random, first_slot, on_grid
from rawsocket.errors import RawSocketError
from rawsocket.wire.payload import Expected


class Connection(Protocol):
    """The connection, as far as its heartbeat uses it."""

    @property
    def is_open(self) -> bool:
        """Whether it is connected."""

    @property
    def sent_at(self) -> float:
        """When the last message was sent."""

    def send_beside(self, payload: bytes, name: str, expect: Expected, due: float, reply: bool) -> None:
        """Send a message whose reply nobody waits for."""


class Heartbeat:
    """Sends `payload` every `every` seconds; `idle`: only that long after the last message that was sent.

    `make_payload` may be the payload or a callable that returns it. A failure is recorded, and reported by the
    connection as its loss.
    """

    __slots__ = ("_connection", "_due", "_every", "_expect", "_idle", "_name", "_payload", "_reactor", "_reply", "key")

    def __init__(
        self,
        connection: Any,
        reactor: Reactor,
        every: float,
        payload: bytes,
        expect: Expected,
        name: str,
        reply: bool,
        idle: bool,
        random: Random,
    ) -> None:
        self._connection: Connection = connection
        self._reactor = reactor
        self._every = every
        self._payload = payload
        self._expect = expect
        self._name = name
        self._reply = reply
        self._idle = idle
        self.key = 0  # the reactor's
        now = time.perf_counter()
        self._at(on_grid(now + every) if idle else first_slot(now, every, random))

    def _at(self, due: float) -> None:
        self._due = due
        self._reactor.at(due, self)

    def on_time(self) -> None:
        """Send, unless the connection has ended or is not idle."""
        connection, due = self._connection, self._due
        if not connection.is_open:
            return
        if self._idle and connection.sent_at + self._every > due:
            self._at(on_grid(connection.sent_at + self._every))
            return
        self._at(on_grid(due + self._every))
        connection.send_beside(self._payload, self._name, self._expect, due, self._reply)
