"""A connection without a loop: a fake host, and a socket pair whose buffer is soon full."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from server.readiness.connection import Connection
from tests.support.connection_host import FakeHost, Pair


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    made = FakeHost()
    monkeypatch.setattr("server.readiness.connection.monotonic", lambda: made.now + made.turn)
    return made


@pytest.fixture
def pair(host: FakeHost) -> Iterator[Pair]:
    ours, client = socket.socketpair()  # Without TCP windows and timers, sent data has arrived.
    client.settimeout(30)
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with client, ours:
        yield Connection(host, ours, "a peer"), client
