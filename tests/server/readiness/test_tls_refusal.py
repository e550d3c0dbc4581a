"""One refused TLS connection, on a socket pair."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from server.readiness.pollers import SelectPoller
from server.readiness.refusal import Refusal
from server.readiness.tls_refusal import TlsRefusal
from tests.support.tls import TlsClient, server_side


class Bench:
    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.host = SimpleNamespace(now=1000.0, poller=SelectPoller(), handlers={})
        self.refusals: dict[int, Refusal] = {}
        self.refusal = TlsRefusal(server_side(), self.host, ours, self.refusals, lambda: None)  # type: ignore[arg-type]
        self.refusal.start()
        self.client = TlsClient(theirs)

    def shake_hands(self) -> None:
        for _ in range(2):
            self.client.sock.sendall(self.client.handshake_step())
            self.refusal.on_readable()


@pytest.fixture
def bench() -> Iterator[Bench]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield Bench(ours, theirs)


def test_the_line_comes_after_the_handshake_with_a_close_notify(bench: Bench) -> None:
    bench.shake_hands()
    assert bench.client.read() == b"ERR server full\n"
    assert bench.client.ended()
    assert bench.refusals


def test_input_after_the_line_is_discarded_until_the_client_closes(bench: Bench) -> None:
    bench.shake_hands()
    bench.client.send(b"a message on its way\n")
    bench.refusal.on_readable()
    bench.refusal.on_readable()
    assert bench.refusals
    bench.client.sock.shutdown(socket.SHUT_WR)
    bench.refusal.on_readable()
    assert not bench.refusals


@pytest.mark.parametrize("sent", [b"", b"plain text, plain text\n"])
def test_a_client_that_leaves_or_breaks_the_handshake_uses_no_slot(bench: Bench, sent: bytes) -> None:
    bench.refusal.on_readable()
    assert bench.refusals
    bench.client.sock.sendall(sent)
    bench.client.sock.shutdown(socket.SHUT_WR)
    bench.refusal.on_readable()
    assert not bench.refusals
