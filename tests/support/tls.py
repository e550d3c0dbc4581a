"""A certificate for tests, and clients that speak TLS."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from lab.run.certificate import Certificate, lab_certificate
from tests.support.server_process import ServerProcess
from tests.support.sockets import DEADLINE


@cache
def certificate() -> Certificate:
    """Return a certificate that all tests of this process share."""
    return lab_certificate(Path(mkdtemp(prefix="holdfast-tls-")) / "tls")


def tls_flags() -> tuple[str, ...]:
    """Return the flags with which a server speaks TLS."""
    return ("--tls-cert", str(certificate().cert), "--tls-key", str(certificate().key))


@cache
def server_side() -> ssl.SSLContext:
    """Return a context for a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate().cert, certificate().key)
    return context


@cache
def client_side() -> ssl.SSLContext:
    """Return the context of a client that verifies the server strictly."""
    context = ssl.create_default_context(cafile=str(certificate().ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def connect_tls(server: ServerProcess, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    """Return a connection whose handshake is complete and whose calls all have a deadline."""
    sock = socket.create_connection((server.host, server.port), DEADLINE)
    return (context or client_side()).wrap_socket(sock, server_hostname="localhost")


class TlsClient:
    """The client's side of a socket pair, in the same thread as the server's: no call waits for the other side."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl = client_side().wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def handshake_step(self) -> bytes:
        """Return what the client has to send next in the handshake."""
        self._receive()
        with suppress(ssl.SSLWantReadError):
            self.ssl.do_handshake()
        return self.outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """Return the record of `data`."""
        self.ssl.write(data)
        return self.outgoing.read()

    def send(self, data: bytes) -> None:
        """Send the record of `data`."""
        self.sock.sendall(self.encrypt(data))

    def close_notify(self) -> bytes:
        """Return the record that ends the client's output."""
        with suppress(ssl.SSLWantReadError):
            self.ssl.unwrap()
        return self.outgoing.read()

    def read(self) -> bytes:
        """Return what has arrived, decrypted: perhaps nothing."""
        self._receive()
        data = b""
        try:
            while record := self.ssl.read(65_536):
                data += record
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return data

    def ended(self) -> bool:
        """Return whether the server has sent its close_notify, after all that was read."""
        try:
            return not self.ssl.read(1)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLZeroReturnError:
            return True

    def _receive(self) -> None:
        try:
            while data := self.sock.recv(65_536, socket.MSG_DONTWAIT):
                self.incoming.write(data)
        except BlockingIOError:
            pass
