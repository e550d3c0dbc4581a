"""A connection under test: its fake host, and the client's end of a socket pair."""

from __future__ import annotations

import io
import socket
from contextlib import suppress

from server import protocol
from server.monitoring.counters import Counters
from server.monitoring.log import LogRing
from server.readiness.connection import Connection
from server.settings import parse

Pair = tuple[Connection, socket.socket]


class FakeHost:
    """A loop that does nothing by itself. `reasons` are those for closing, `turn` is the age of its turn."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.turn = 0.0
        self.draining = False
        self.counters = Counters()
        self.counts = self.counters.counts
        self.log = LogRing(io.StringIO())
        self.settings = parse([], {})
        self.use("echo", "line", 100_000, verbatim=True)
        self.interest: list[tuple[bool, bool]] = []
        self.deadline_watched: list[Connection] = []
        self.reasons: list[str] = []

    def use(
        self, app: str, framing: str, limit: int, first_size: int = 448, receive_size: int = 16_384, **how: bool
    ) -> None:
        """Use this wire format."""
        reply = protocol.reply_for(app, framing, lambda: None)
        answer = protocol.answer_for(framing, limit, reply, **how)
        decoder = protocol.decoder_for(framing, limit)
        self.wire = protocol.Wire(reply, answer, decoder, first_size, receive_size)

    def interest_changed(self, connection: Connection) -> None:
        self.interest.append((connection.readable(), connection.writable()))

    def watch_deadline(self, connection: Connection) -> None:
        self.deadline_watched.append(connection)

    def remove(self, connection: Connection, reason: str) -> None:
        self.reasons.append(reason)


def send(pair: Pair, data: bytes) -> None:
    """Send the client's bytes, and make the connection read all of them."""
    connection, client = pair
    client.sendall(data)
    before = connection._host.counters.bytes_in
    while connection.open and connection.readable() and connection._host.counters.bytes_in - before < len(data):
        connection.on_readable()


def until_closed(connection: Connection) -> None:
    while connection.open:
        connection.on_readable()


def read_available(client: socket.socket, size: int = 65_536) -> bytes:
    """Return the bytes that have arrived, perhaps none."""
    with suppress(BlockingIOError):
        return client.recv(size, socket.MSG_DONTWAIT)
    return b""


def fill_output(pair: Pair, message: bytes = b"x" * 9_999 + b"\n") -> int:
    """Send messages without reading the replies until the connection stops reading; return their number."""
    connection, client = pair
    client.setblocking(False)
    while connection.readable():
        with suppress(BlockingIOError):
            client.send(message * 10)
        connection.on_readable()
    client.settimeout(30)
    return connection._host.counters.messages
