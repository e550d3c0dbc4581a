"""The tap on the bytes of a connection."""

import socket
from typing import Any

import gevent

from rawsocket import Connect, Line, Request, SessionUser, StartTls
from rawsocket.check.dialogue import NOTE, SENT
from rawsocket.engine.connect.tap import TappedSocket
from tests.support.checks import checked, parts


class Told:
    """Keeps what a tap tells."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def opened(self) -> None:
        self.told.append("opened")

    def sent(self, data: bytes) -> None:
        self.told.append((">", data))

    def received(self, data: bytes) -> None:
        self.told.append(("<", data))


def test_bytes_of_both_directions_and_the_end() -> None:
    told, (ours, theirs) = Told(), socket.socketpair()
    with ours, theirs:
        tapped = TappedSocket(ours, told)
        assert tapped.send(memoryview(b"hello")) == 5
        assert theirs.recv(100) == b"hello"
        theirs.sendall(b"you")
        assert tapped.recv(1, socket.MSG_PEEK) == b"y"
        assert tapped.recv(100) == b"you"
        theirs.close()
        assert tapped.recv(100) == b""
        assert tapped.fileno() == ours.fileno()
        assert tapped.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    assert told.told == [(">", b"hello"), ("<", b"you"), ("<", b"")]


def test_bytes_inside_tls_after_starttls() -> None:
    import ssl

    from rawsocket import Tls
    from tests.support import certificates

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server())

    def serve(peer: socket.socket) -> None:
        peer.recv(100)
        peer.sendall(b"go\n")
        with context.wrap_socket(peer, server_side=True) as secret:
            secret.sendall(secret.recv(100))
            secret.recv(100)

    class Upgrading(SessionUser):
        framing = Line()
        tls = Tls(verify=False)

        def session(self) -> Any:
            yield Connect()
            yield Request(b"STARTTLS", expect=b"go")
            yield StartTls()
            yield Request(b"secret", expect=b"secret")

    dialogue = checked(Upgrading, serve)
    gevent.sleep(0)
    assert dialogue.failure is None
    assert parts(dialogue, SENT, NOTE) == [
        b"STARTTLS\n",
        "encrypted from here on; shown are the bytes inside TLS",
        b"secret\n",
    ]
