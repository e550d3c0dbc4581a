"""One refused connection, on a socket pair."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from server.readiness.pollers import SelectPoller
from server.readiness.refusal import Refusal, send_server_full
from tests.support.sockets import read_to_end

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, client = socket.socketpair()
    ours.setblocking(False)
    with ours, client:
        yield ours, client


class Bench:
    def __init__(self, ours: socket.socket) -> None:
        self.host = SimpleNamespace(now=1000.0, poller=SelectPoller(), handlers={})
        self.refusals: dict[int, Refusal] = {}
        self.ended: list[bool] = []
        self.refusal = Refusal(self.host, ours, self.refusals, lambda: self.ended.append(True))  # type: ignore[arg-type]
        self.refusal.start()

    @property
    def lingers(self) -> bool:
        return bool(self.refusals) and bool(self.host.handlers)


def test_the_line_arrives_whole_before_the_end(pair: Pair) -> None:
    bench = Bench(pair[0])
    assert read_to_end(pair[1]) == b"ERR server full\n"
    assert bench.lingers


def test_a_refusal_lingers_until_the_peer_closes_and_discards_input(pair: Pair) -> None:
    bench = Bench(pair[0])
    bench.refusal.on_readable()  # There is no input yet.
    pair[1].sendall(b"input")
    bench.refusal.on_readable()
    assert bench.lingers
    bench.refusal.on_readable()
    pair[1].shutdown(socket.SHUT_WR)
    bench.refusal.on_readable()
    assert not bench.lingers
    assert bench.ended == [True]
    assert pair[0].fileno() == -1


def test_a_refusal_of_a_peer_that_has_gone_does_not_linger(pair: Pair) -> None:
    pair[1].close()
    bench = Bench(pair[0])
    assert not bench.lingers
    assert pair[0].fileno() == -1


def test_sending_the_line_to_a_peer_that_has_gone_fails(pair: Pair) -> None:
    pair[1].close()
    assert not send_server_full(pair[0])
