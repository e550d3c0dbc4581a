"""TLS on a connection that is open already (STARTTLS)."""

import time
from collections.abc import Callable
from typing import Any

from rawsocket.engine.connect.attempt import handshake_for
from rawsocket.engine.connection import Connection
from rawsocket.engine.tls.configuration import Tls
from rawsocket.errors import RawSocketError


def start_tls(connection: Connection, tls: Tls | None, done: Callable[[], None]) -> None:
    """Begin the handshake, within the connect timeout; `done` is called when everything is encrypted.

    `tls` None: as the user class says. What has arrived and is not decoded belongs to the handshake. Raises a failure
    that is known at once; a later one is reported as the loss of the connection.
    """
    exchange = connection.with_exchange()
    if exchange.in_flight or exchange.is_sending:
        raise RuntimeError("StartTls() while messages are in flight: wait for their replies first")
    Upgrade(connection, tls, done).begin(exchange.take_undecoded())


class Upgrade:
    """One handshake on an open connection."""

    def __init__(self, connection: Connection, tls: Tls | None, done: Callable[[], None]) -> None:
        self._connection = connection
        self._started = time.perf_counter()
        config, sock = connection.config, connection.with_exchange().sock
        deadline = self._started + config.connect_timeout
        self._finished = done
        self._handshake = handshake_for(config, connection.owner, sock, deadline, self._done, self._failed, tls)

    def begin(self, received: bytes) -> None:
        """Send the first message. Raises the failure of the connection."""
        try:
            self._handshake.begin(received)
        except RawSocketError as failure:
            raise self._connection.fail(failure) from None

    def _done(self, sock: Any) -> None:
        connection = self._connection
        connection.with_exchange().replace_socket(sock)
        connection.replace_socket(sock)
        connection.config.accounting.secured(connection, time.perf_counter() - self._started)
        self._finished()

    def _failed(self, failure: RawSocketError) -> None:
        self._connection.lose(failure)
