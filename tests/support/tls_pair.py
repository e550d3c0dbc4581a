"""A TlsSocket on one end of a socket pair, and a TLS server on the other, moved on by hand."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rawsocket.engine.tls.configuration import Tls
from rawsocket.engine.tls.context import ClientContext, context_for
from rawsocket.engine.tls.tls_socket import TlsSocket
from tests.support import certificates


class Peer:
    """The server's end. Nothing here waits."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self.sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def take_in(self) -> None:
        """Give OpenSSL all ciphertext that has arrived."""
        with suppress(BlockingIOError):
            while data := self.sock.recv(65536):
                self._incoming.write(data)

    def pass_on(self) -> bytes:
        """Return the ciphertext that OpenSSL wants to send."""
        return self._outgoing.read()

    def handshake(self) -> None:
        self.take_in()
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.sock.send(self.pass_on())

    def encrypt(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self.pass_on()

    def read(self) -> bytes:
        """Return all plaintext that has arrived; a last empty read is the end."""
        self.take_in()
        data = b""
        with suppress(ssl.SSLWantReadError):
            while part := self.tls.read(65536):
                data += part
        return data

    def end(self) -> bytes:
        """Return the ciphertext of close_notify."""
        with suppress(ssl.SSLError):
            self.tls.unwrap()
        return self.pass_on()


def server_context(version: str = "TLSv1_3") -> ssl.SSLContext:
    """Return the context of a server that speaks this version at most."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server())
    context.maximum_version = ssl.TLSVersion[version]
    return context


def client_context(**more: object) -> ClientContext:
    return context_for(Tls(ca=certificates.authority().ca, **more))  # type: ignore[arg-type]


@contextmanager
def tls_pair(
    version: str = "TLSv1_3", client: ClientContext | None = None, server: ssl.SSLContext | None = None
) -> Iterator[tuple[TlsSocket, Peer]]:
    """Both ends, after the handshake; TLS 1.3's tickets have been read."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        tls = TlsSocket(ours, client or client_context(), "server.test")  # type: ignore[arg-type]
        peer = Peer(theirs, server or server_context(version))
        complete = tls.handshake()
        while not complete:
            peer.handshake()
            complete = tls.handshake(ours.recv(65536))
        peer.handshake()
        with suppress(BlockingIOError):
            tls.recv(65536)
        yield tls, peer
