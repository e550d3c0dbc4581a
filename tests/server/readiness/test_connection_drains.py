"""One connection without a loop: how it drains, and how it is cut."""

from __future__ import annotations

import socket
from dataclasses import replace

from server.policy import HIGH_MARK
from tests.support.connection_host import FakeHost, Pair, fill_output, read_available, send, until_closed
from tests.support.sockets import read_to_end


def test_draining_closes_a_connection_with_nothing_pending(host: FakeHost, pair: Pair) -> None:
    host.draining = True
    pair[0].drain()
    assert host.reasons == ["drain"]
    assert read_to_end(pair[1]) == b""


def test_draining_answers_what_has_arrived(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    client.sendall(b"the last message\n")
    while not connection._sock.recv(1, socket.MSG_PEEK):
        pass
    host.draining = True
    connection.drain()
    assert read_to_end(client) == b"the last message\n"
    client.close()
    until_closed(connection)
    assert host.reasons == ["drain"]


def test_draining_answers_what_has_arrived_and_waits_for_an_unfinished_message(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    host.wire = replace(host.wire, reply=lambda message: b"")
    host.draining = True
    client.sendall(b"x\n" * 20_000 + b"beg")  # Three recvs: a socket pair delivers it at once.
    connection.drain()
    assert (host.counters.messages, connection.reason) == (20_000, None)
    send(pair, b"un\nand no m")
    assert (host.counters.messages, connection.reason) == (20_001, "drain")


def test_draining_does_not_wait_for_a_client_that_sends_for_ever(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    host.wire = replace(host.wire, reply=lambda message: b"")
    host.draining = True
    client.sendall(b"x\n" * 50_000)
    connection.drain()
    assert HIGH_MARK <= host.counters.bytes_in < HIGH_MARK + host.wire.receive_size
    assert (connection.open, connection.reason) == (True, "drain")  # The rest is discarded, or there would be a reset.
    assert read_to_end(client) == b""


def test_draining_waits_for_an_unfinished_message(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    send(pair, b"beg")
    host.draining = True
    connection.drain()
    assert connection.open
    send(pair, b"un\nno more\n")
    assert read_to_end(client) == b"begun\nno more\n"
    assert connection.reason == "drain"


def test_draining_delivers_pending_replies(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    count = fill_output(pair)
    host.draining = True
    connection.drain()
    assert host.interest[-1] == (True, True)  # Input is discarded from now on.
    received = bytearray()
    while connection.writable():
        received += read_available(client, 4096)
        connection.on_writable()
    received += read_to_end(client)
    assert len(received) == count * 10_000
    connection.cut()
    assert host.reasons == ["drain"]


def test_a_cut_with_pending_replies_has_its_reason(host: FakeHost, pair: Pair) -> None:
    fill_output(pair)
    host.draining = True
    pair[0].drain()
    pair[0].cut()
    pair[0].cut()
    assert host.reasons == ["cut"]
