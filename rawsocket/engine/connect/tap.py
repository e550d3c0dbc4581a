"""The tap on a connection's bytes: its socket is replaced by one that tells what was sent and what has arrived.

With TLS these are the bytes before they are encrypted, and after they were decrypted.
"""

from collections.abc import Callable
from typing import Any, Protocol

from rawsocket.engine.connect.attempt import ConnectAttempt, Failed, Opened, Route
from rawsocket.engine.connect.connector import Connector


class Listener(Protocol):
    """Is told what happens on the connection."""

    def opened(self) -> None:
        """The connection is open."""

    def sent(self, data: bytes) -> None:
        """The kernel has taken these bytes."""

    def received(self, data: bytes) -> None:
        """These bytes have arrived; none: the end of the stream."""


class TappedSocket:
    """A socket of a connection; everything but sending and reading is the socket's own."""

    def __init__(self, sock: Any, listener: Listener) -> None:
        self._sock = sock
        self._listener = listener
        self.fileno: Callable[[], int] = sock.fileno

    def send(self, data: Any) -> int:
        """Send, and tell what the kernel took. Raises OSError."""
        taken: int = self._sock.send(data)
        if taken:
            self._listener.sent(bytes(data[:taken]))
        return taken

    def recv(self, size: int, *flags: int) -> bytes:
        """Read, and tell what has arrived (unless it only looks). Raises OSError."""
        data: bytes = self._sock.recv(size, *flags)
        if not flags:
            self._listener.received(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class TappingConnector(Connector):
    """Opens connections with a tap."""

    def __init__(self, listener: Listener) -> None:
        super().__init__()
        self._listener = listener

    def attempt(self, route: Route, owner: Any, opened: Opened, failed: Failed) -> ConnectAttempt:
        """Create a connect attempt, whose socket has a tap."""

        def open_with_tap(sock: Any) -> None:
            self._listener.opened()
            opened(TappedSocket(sock, self._listener))

        return super().attempt(route, owner, open_with_tap, failed)


def tap_again(connection: Any, listener: Listener) -> None:
    """Put a tap on a connection whose socket was replaced by one that encrypts (STARTTLS)."""
    exchange = connection.with_exchange()
    if not isinstance(exchange.sock, TappedSocket):
        tapped: Any = TappedSocket(exchange.sock, listener)
        exchange.replace_socket(tapped)
        connection.replace_socket(tapped)


def untapped(connection: Any) -> None:
    """Take the tap off a connection: a TLS handshake follows, whose bytes say nothing to a reader."""
    exchange = connection.with_exchange()
    if isinstance(exchange.sock, TappedSocket):
        sock = exchange.sock._sock
        exchange.replace_socket(sock)
        connection.replace_socket(sock)
