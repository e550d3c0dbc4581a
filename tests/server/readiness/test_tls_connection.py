"""One TLS connection without a loop: its handshake and its deadlines. Its bytes: see test_tls_socket.py."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from server.policy import NEVER
from server.readiness.tls_connection import TlsConnection
from tests.support.connection_host import FakeHost
from tests.support.tls import TlsClient, server_side

TlsPair = tuple[TlsConnection, TlsClient]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    made = FakeHost()
    monkeypatch.setattr("server.readiness.connection.monotonic", lambda: made.now)
    return made


@pytest.fixture
def pair(host: FakeHost) -> Iterator[TlsPair]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield TlsConnection(server_side(), host, ours, "a peer"), TlsClient(theirs)


def connect(pair: TlsPair) -> None:
    """Complete the handshake."""
    for _ in range(2):
        pair[1].sock.sendall(pair[1].handshake_step())
        pair[0].on_readable()
    pair[1].read()


def test_a_message_after_the_handshake_is_answered_and_counted_as_plain_text(host: FakeHost, pair: TlsPair) -> None:
    connect(pair)
    pair[1].send(b"hello\n")
    pair[0].on_readable()
    assert pair[1].read() == b"hello\n"
    assert (host.counters.bytes_in, host.counters.bytes_out, host.counters.messages) == (6, 6, 1)


def test_a_message_that_comes_with_the_end_of_the_handshake_is_answered(host: FakeHost, pair: TlsPair) -> None:
    pair[1].sock.sendall(pair[1].handshake_step())
    pair[0].on_readable()
    pair[1].sock.sendall(pair[1].handshake_step() + pair[1].encrypt(b"hello\n"))
    pair[0].on_readable()
    assert pair[1].read() == b"hello\n"


def test_a_handshake_that_takes_too_long_ends(host: FakeHost, pair: TlsPair) -> None:
    assert host.deadline_watched == [pair[0]]
    host.now += host.settings.message_timeout - 1
    pair[0].check_deadlines(host.now)
    assert pair[0].open
    host.now += 1
    pair[0].check_deadlines(host.now)
    assert host.reasons == ["tls"]


def test_a_complete_handshake_has_no_deadline(host: FakeHost, pair: TlsPair) -> None:
    connect(pair)
    assert not pair[0].has_deadline()
    pair[0].check_deadlines(NEVER)
    assert pair[0].open


def test_a_message_timeout_of_0_leaves_the_handshake_without_limit(host: FakeHost, pair: TlsPair) -> None:
    host.settings = replace(host.settings, message_timeout=0.0)
    pair[0].check_deadlines(host.now + 1_000_000)
    assert pair[0].open


@pytest.mark.parametrize("sent", [b"", b"\x16", b"plain text, plain text\n"])
def test_a_handshake_that_the_client_ends_or_breaks_closes_the_connection(
    host: FakeHost, pair: TlsPair, sent: bytes
) -> None:
    pair[1].sock.sendall(sent)
    pair[1].sock.shutdown(socket.SHUT_WR)
    while pair[0].open:
        pair[0].on_readable()
    assert host.reasons == ["tls"]


def test_a_close_notify_after_a_message_ends_the_connection_in_the_same_turn(host: FakeHost, pair: TlsPair) -> None:
    connect(pair)
    pair[1].sock.sendall(pair[1].encrypt(b"hello\n") + pair[1].close_notify())
    pair[0].on_readable()
    assert host.reasons == ["client"]
    assert pair[1].read() == b"hello\n"
    assert pair[1].ended()


def test_draining_closes_a_handshake_at_once(host: FakeHost, pair: TlsPair) -> None:
    pair[0].drain()
    assert host.reasons == ["drain"]


def test_draining_answers_what_has_arrived(host: FakeHost, pair: TlsPair) -> None:
    connect(pair)
    pair[1].send(b"hello\n")
    host.draining = True
    pair[0].drain()
    assert pair[1].read() == b"hello\n"
    assert pair[1].ended()


def test_a_bad_record_closes_the_connection(host: FakeHost, pair: TlsPair) -> None:
    connect(pair)
    pair[1].sock.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    pair[0].on_readable()
    assert host.reasons == ["tls"]
