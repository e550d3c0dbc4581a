"""A TLS connection that is refused: its line is sent after the handshake, so that the client can read it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from server.interfaces import SourceHost
from server.readiness.refusal import Refusal, send_server_full
from server.readiness.tls_socket import TlsSocket


class TlsRefusal(Refusal):
    """One refused connection. A client whose handshake takes longer than a refusal lingers gets no line."""

    __slots__ = ("_tls",)

    def __init__(
        self,
        context: ssl.SSLContext,
        host: SourceHost,
        sock: socket.socket,
        refusals: dict[int, Refusal],
        on_closed: Callable[[], None],
    ) -> None:
        self._tls = TlsSocket(context, sock)
        super().__init__(host, self._tls, refusals, on_closed)

    def start(self) -> None:
        """Wait for the handshake."""
        self._linger()

    def on_readable(self) -> None:
        """Go on with the handshake and send the line, then discard input; close when the peer has closed."""
        if not self._tls.handshaking:
            super().on_readable()
        elif self._failed():
            self.close()

    def _failed(self) -> bool:
        try:
            return self._tls.shake_hands() and not send_server_full(self._tls)
        except BlockingIOError:
            return False
        except OSError:
            return True
