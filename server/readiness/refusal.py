"""A newcomer for whom there is no place, told so in a way that arrives.

Strategy: the line goes out at once, writing is shut down, and the socket lingers with its input thrown away until the
peer closes. Closing at once would answer input that is still on its way with a reset, and the peer might see that
instead of the line. How long one may linger is the acceptor's business.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from server import protocol

if TYPE_CHECKING:
    from server.readiness.acceptor import Host


class Refusal:
    """A newcomer for whom there is no place: it is told so, and its input thrown away until it has gone."""

    __slots__ = ("_among", "_ended", "_host", "_sock", "since")

    def __init__(self, host: Host, sock: socket.socket, among: dict[int, Refusal], ended: Callable[[], None]) -> None:
        self._host = host
        self._sock = sock
        self._among = among
        self._ended = ended
        self.since = host.now

    def begin(self) -> None:
        """Say the line, and linger."""
        if not say_full(self._sock):
            self._sock.close()
            return
        fd = self._sock.fileno()
        self._among[fd] = self
        self._host.handlers[fd] = self
        self._host.poller.watch(fd, True, False)

    def on_readable(self) -> None:
        """Throw away what came; end with the peer's end."""
        try:
            if self._sock.recv(self._host.receive_size):
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # Reset: gone is gone.
        self.close()

    def on_writable(self) -> None:
        """Never asked for."""

    def close(self) -> None:
        """Let go of the peer."""
        fd = self._sock.fileno()
        del self._among[fd]
        del self._host.handlers[fd]
        self._host.poller.forget(fd)
        self._sock.close()
        self._ended()


def say_full(sock: socket.socket) -> bool:
    """Send the line and end the output; return False if the peer has gone. A new socket's buffer takes the line."""
    try:
        sock.send(protocol.SERVER_FULL)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True
