"""One TLS connection of a readiness loop: a handshake first, then a connection like any other.

Rules: the handshake is done in the loop, step by step as its bytes arrive, so a slow client delays no other. It must be
complete within the message timeout, and a client that ends or breaks it is closed with the reason `tls`.
"""

from __future__ import annotations

import socket
import ssl

from server.policy import NEVER
from server.readiness.connection import Connection, ConnectionHost
from server.readiness.tls_socket import TlsSocket


class TlsConnection(Connection):
    """A connection whose bytes are encrypted with `context`."""

    __slots__ = ("_tls",)

    def __init__(self, context: ssl.SSLContext, host: ConnectionHost, sock: socket.socket, peer: object) -> None:
        self._tls = TlsSocket(context, sock)
        super().__init__(host, self._tls, peer)
        self._message_at = host.now
        host.watch_deadline(self)

    def on_readable(self) -> None:
        """Go on with the handshake, or answer what has arrived."""
        if self._tls.handshaking and not self._shake_hands():
            return
        super().on_readable()
        # The kernel does not report a close_notify again.
        if self._tls.ended and self.open and not self._input_ended:
            self._end_of_input()

    def check_deadlines(self, now: float) -> None:
        """Close if a deadline has passed, that of the handshake included."""
        if self._tls.handshaking and self._message_late(now):
            self.close("tls")
        else:
            super().check_deadlines(now)

    def drain(self) -> None:
        """Close at once in the handshake: there is nothing to answer yet."""
        if self._tls.handshaking:
            self.close("drain")
        else:
            super().drain()

    def _shake_hands(self) -> bool:
        try:
            complete = self._tls.shake_hands()
        except BlockingIOError:
            return False
        except OSError as error:
            self._host.log.debug("connection from %s: handshake failed: %s", self.peer, error)
            self.close("tls")
            return False
        if complete:
            self._message_at = NEVER
        return complete
