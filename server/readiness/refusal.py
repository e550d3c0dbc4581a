"""A connection that is refused, in a way that its line arrives.

Strategy: the line goes out at once, writing is shut down, and the socket lingers with its input discarded until the
peer closes. Closing at once would answer input that is still on its way with a reset, and the peer might see the reset
instead of the line. The acceptor decides how long a refusal may linger.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from server import protocol
from server.interfaces import ByteStream, SourceHost

#: Bytes of input that are discarded at once.
DISCARD_BYTES = 16_384


class Refusal:
    """One refused connection; its entry in `refusals` lasts as long as it lingers. `on_closed` is called after that.

    `since` is when it was refused (monotonic seconds).
    """

    __slots__ = ("_host", "_on_closed", "_refusals", "_sock", "since")

    def __init__(
        self, host: SourceHost, sock: ByteStream, refusals: dict[int, Refusal], on_closed: Callable[[], None]
    ) -> None:
        self._host = host
        self._sock = sock
        self._refusals = refusals
        self._on_closed = on_closed
        self.since = host.now

    def start(self) -> None:
        """Send the line, and linger."""
        if not send_server_full(self._sock):
            self._sock.close()
            return
        self._linger()

    def _linger(self) -> None:
        fd = self._sock.fileno()
        self._refusals[fd] = self
        self._host.handlers[fd] = self
        self._host.poller.watch(fd, True, False)

    def on_readable(self) -> None:
        """Discard input; close when the peer has closed."""
        try:
            if self._sock.recv(DISCARD_BYTES):
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # A reset is an end as well.
        self.close()

    def on_writable(self) -> None:
        """Do nothing: writability is never watched."""

    def close(self) -> None:
        """Close the connection now."""
        fd = self._sock.fileno()
        del self._refusals[fd]
        del self._host.handlers[fd]
        self._host.poller.forget(fd)
        self._sock.close()
        self._on_closed()


def send_server_full(sock: ByteStream) -> bool:
    """Send the line and end the output; return False if the peer has gone. A new socket's buffer always has room."""
    try:
        sock.send(protocol.SERVER_FULL)
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True
