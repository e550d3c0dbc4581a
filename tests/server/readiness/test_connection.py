"""One connection without a loop: its input and its output."""

from __future__ import annotations

import io
import socket

import pytest

from server.monitoring.log import LogRing
from server.policy import HIGH_MARK, LOW_MARK
from server.readiness.connection import Connection
from tests.support.connection_host import FakeHost, Pair, fill_output, read_available, send, until_closed
from tests.support.sockets import read_exactly, read_to_end


def test_a_reply_is_sent_at_once_and_interest_does_not_change(host: FakeHost, pair: Pair) -> None:
    send(pair, b"hello\n")
    assert read_exactly(pair[1], 6) == b"hello\n"
    assert not host.interest
    assert (host.counters.messages, host.counters.replies) == (1, 1)
    assert (host.counters.bytes_in, host.counters.bytes_out) == (6, 6)


def test_an_event_without_data_changes_nothing(host: FakeHost, pair: Pair) -> None:
    pair[0].on_readable()
    pair[0].on_writable()
    assert pair[0].open
    assert not host.interest


def test_many_messages_in_one_packet_are_all_answered(host: FakeHost, pair: Pair) -> None:
    send(pair, b"a\nb\n\nc")
    assert read_exactly(pair[1], 5) == b"a\nb\n\n"
    assert host.counters.messages == host.counters.replies == 3


@pytest.mark.parametrize("size", [447, 448, 449, 16_000])
def test_a_message_of_any_size_takes_one_turn(host: FakeHost, pair: Pair, size: int) -> None:
    pair[1].sendall(b"x" * (size - 1) + b"\n")
    pair[0].on_readable()
    assert host.counters.messages == 1
    assert host.counters.bytes_in == host.counters.bytes_out + len(pair[0]._outbox or b"") == size


def test_a_chunk_is_never_more_than_one_recv(host: FakeHost, pair: Pair) -> None:
    host.use("echo", "chunk", 8, first_size=8, receive_size=8)
    pair[1].sendall(b"x" * 12)
    pair[0].on_readable()
    pair[0].on_readable()
    assert host.counters.messages == 2


def test_the_rest_of_a_short_write_is_kept_and_writability_watched_meanwhile(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    count = fill_output(pair)
    assert (connection.readable(), connection.writable()) == (False, True)
    assert host.interest[-1] == (False, True)
    received = bytearray()
    while connection.writable():
        received += read_available(client)
        connection.on_writable()
    assert (connection.readable(), connection.writable()) == (True, False)
    assert host.interest[-1] == (True, False)
    received += read_exactly(client, count * 10_000 - len(received))
    assert bytes(received) == (b"x" * 9_999 + b"\n") * count
    assert host.counters.bytes_out == count * 10_000


def test_reading_pauses_over_the_high_mark_and_resumes_below_the_low_one(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    fill_output(pair)
    assert HIGH_MARK < len(connection._outbox) <= HIGH_MARK + 2 * host.wire.receive_size
    while not connection.readable():
        read_available(client, 4096)
        connection.on_writable()
    assert len(connection._outbox) <= LOW_MARK


def test_the_end_of_input_closes_at_once_if_no_reply_is_pending(host: FakeHost, pair: Pair) -> None:
    send(pair, b"hello\n")
    pair[1].shutdown(socket.SHUT_WR)
    until_closed(pair[0])
    assert host.reasons == ["client"]
    assert read_to_end(pair[1]) == b"hello\n"


def test_the_end_of_input_waits_for_pending_replies(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    count = fill_output(pair)
    client.shutdown(socket.SHUT_WR)
    received = bytearray()
    while connection.open:
        received += read_available(client, 4096)
        if connection.readable():
            connection.on_readable()
        connection.on_writable()
    received += read_to_end(client)
    assert host.reasons == ["client"]
    assert len(received) == host.counters.bytes_out >= count * 10_000


def test_an_unfinished_message_is_counted_and_not_answered(host: FakeHost, pair: Pair) -> None:
    send(pair, b"whole\nhalf")
    pair[1].shutdown(socket.SHUT_WR)
    until_closed(pair[0])
    assert host.counters.unfinished == 1
    assert host.counters.messages == 1
    assert read_to_end(pair[1]) == b"whole\n"


def test_a_reset_has_its_reason(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    send(pair, b"never read\n")
    client.close()  # With input unread: a reset, as on TCP.
    until_closed(connection)
    assert host.reasons == ["reset"]


@pytest.mark.parametrize(
    ("problem", "reason"),
    [(BrokenPipeError(32, ""), "reset"), (TimeoutError(110, ""), "timed-out"), (OSError(5, "io"), "failed")],
)
def test_each_error_of_the_kernel_has_its_reason(host: FakeHost, pair: Pair, problem: OSError, reason: str) -> None:
    pair[0]._socket_failed(problem)
    assert host.reasons == [reason]


def test_a_message_that_is_too_long_gets_its_line_and_the_rest_is_discarded(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    send(pair, b"whole\n" + b"x" * 120_000)
    assert connection.open
    assert read_to_end(client) == b"whole\nERR message too long\n"  # Writing was shut down.
    send(pair, b"more\nand more\n")
    assert host.counters.messages == 1
    client.close()
    until_closed(connection)
    assert host.reasons == ["too-long"]


def test_the_debug_level_logs_the_tutorials_line(host: FakeHost, pair: Pair) -> None:
    stream = io.StringIO()
    host.log = LogRing(stream, "debug")
    host.log.start()
    pair = Connection(host, pair[0]._sock, "a peer"), pair[1]
    send(pair, b"hello\n")
    host.log.close()
    assert stream.getvalue() == "getting data: b'hello\\n'\n"
