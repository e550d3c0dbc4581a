"""TLS over a socket pair: the server's side under test, the client's from the standard library, one thread."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from server.readiness.tls_socket import RECORD_SIZE, TlsSocket
from server.system.errnos import TlsError
from tests.support.tls import TlsClient, server_side


class Pair:
    """Both sides; `connect` completes the handshake."""

    def __init__(self) -> None:
        self.ours, theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.server = TlsSocket(server_side(), self.ours)
        self.client = TlsClient(theirs)

    def connect(self) -> None:
        while self.server.handshaking:
            self.client.sock.sendall(self.client.handshake_step())
            self.server.shake_hands()

    def close(self) -> None:
        self.server.close()
        self.client.sock.close()


@pytest.fixture
def fresh() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


@pytest.fixture
def pair(fresh: Pair) -> Pair:
    fresh.connect()
    fresh.client.read()  # The ticket.
    return fresh


def test_a_handshake_byte_by_byte_is_completed(fresh: Pair) -> None:
    while fresh.server.handshaking:
        for byte in fresh.client.handshake_step():
            fresh.client.sock.sendall(bytes([byte]))
            complete = fresh.server.shake_hands()
    assert complete
    fresh.client.send(b"hello\n")
    assert fresh.server.recv(448) == b"hello\n"


def test_a_handshake_without_input_waits(fresh: Pair) -> None:
    with pytest.raises(BlockingIOError):
        fresh.server.shake_hands()


def test_a_message_that_comes_with_the_end_of_the_handshake_is_received(fresh: Pair) -> None:
    fresh.client.sock.sendall(fresh.client.handshake_step())
    assert not fresh.server.shake_hands()
    fresh.client.sock.sendall(fresh.client.handshake_step() + fresh.client.encrypt(b"hello\n"))
    assert fresh.server.shake_hands()
    assert fresh.server.recv(448) == b"hello\n"


def test_a_client_that_leaves_in_the_handshake_is_an_error(fresh: Pair) -> None:
    fresh.client.sock.sendall(fresh.client.handshake_step())
    fresh.server.shake_hands()
    fresh.client.sock.close()
    with pytest.raises((TlsError, ConnectionError)):
        fresh.server.shake_hands()


def test_plain_text_in_the_handshake_is_an_error(fresh: Pair) -> None:
    fresh.client.sock.sendall(b"hello, this is not TLS\n")
    with pytest.raises(TlsError, match=r"WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH"):
        fresh.server.shake_hands()


def test_a_bad_record_is_an_error_and_gets_an_alert(pair: Pair) -> None:
    record = bytearray(pair.client.encrypt(b"hello\n"))
    record[-1] ^= 1
    pair.client.sock.sendall(record)
    with pytest.raises(TlsError, match="BAD_RECORD_MAC"):
        pair.server.recv(448)
    assert pair.client.sock.recv(100)[:1] == b"\x17"  # The alert, encrypted.


def test_nothing_to_receive_and_a_part_of_a_record_wait(pair: Pair) -> None:
    record = pair.client.encrypt(b"hello\n")
    with pytest.raises(BlockingIOError):
        pair.server.recv(448)
    pair.client.sock.sendall(record[:10])
    with pytest.raises(BlockingIOError):
        pair.server.recv(448)
    pair.client.sock.sendall(record[10:])
    assert pair.server.recv(448) == b"hello\n"


def test_all_records_that_arrived_at_once_are_received(pair: Pair) -> None:
    pair.client.sock.sendall(b"".join(pair.client.encrypt(b"%d\n" % number) for number in range(50)))
    assert pair.server.recv(448) == b"".join(b"%d\n" % number for number in range(50))


def test_the_largest_record_is_received_whole(pair: Pair) -> None:
    pair.client.send(b"x" * RECORD_SIZE)
    received = b""
    while len(received) < RECORD_SIZE:
        with suppress(BlockingIOError):
            received += pair.server.recv(448)
    assert received == b"x" * RECORD_SIZE


def test_a_close_notify_ends_the_input_after_the_message_before_it(pair: Pair) -> None:
    pair.client.sock.sendall(pair.client.encrypt(b"last\n") + pair.client.close_notify())
    assert pair.server.recv(448) == b"last\n"
    assert pair.server.ended
    assert pair.server.recv(448) == b""
    assert pair.server.send(b"reply\n") == 6
    assert pair.client.read() == b"reply\n"


def test_the_end_of_the_stream_without_close_notify_is_the_end_of_the_input(pair: Pair) -> None:
    pair.client.sock.shutdown(socket.SHUT_WR)
    assert pair.server.recv(448) == b""
    assert pair.server.ended


def test_output_counts_as_sent_when_the_kernel_has_its_whole_record(pair: Pair) -> None:
    payload = bytearray(b"".join(b"%07d\n" % number for number in range(20_000)))
    waiting, received = bytearray(payload), b""
    while waiting:
        try:
            del waiting[: pair.server.send(waiting)]
        except BlockingIOError:
            received += pair.client.read()
    assert received + pair.client.read() == payload


def test_no_output_is_sent_twice_when_more_is_added_meanwhile(pair: Pair) -> None:
    waiting, received = bytearray(b"a" * 100_000), b""
    with pytest.raises(BlockingIOError):  # The first record is in the kernel in part.
        pair.server.send(waiting)
    waiting += b"b" * 1000
    while waiting:
        received += pair.client.read()
        with suppress(BlockingIOError):
            del waiting[: pair.server.send(waiting)]
    assert received + pair.client.read() == b"a" * 100_000 + b"b" * 1000


def test_the_output_ends_with_close_notify_and_input_can_still_be_received(pair: Pair) -> None:
    pair.server.send(b"bye\n")
    pair.server.shutdown(socket.SHUT_WR)
    assert pair.client.read() == b"bye\n"
    assert pair.client.ended()
    pair.client.send(b"more\n")
    assert pair.server.recv(448) == b"more\n"
    pair.client.sock.close()
    assert pair.server.recv(448) == b""


def test_closing_sends_close_notify(pair: Pair) -> None:
    pair.server.close()
    assert pair.client.read() == b""
    assert pair.client.ended()
    assert pair.server.fileno() == -1


def test_sending_to_a_client_that_has_gone_is_an_error_of_the_socket(pair: Pair) -> None:
    pair.client.sock.close()
    with pytest.raises(BrokenPipeError):
        pair.server.send(b"reply\n")
