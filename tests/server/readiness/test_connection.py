"""One connection without a loop: a fake host, and a socket pair whose buffer is soon full."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from server.monitoring.log import LogRing
from server.policy import HIGH_MARK, LINGER_SECONDS, LINGER_SILENCE, LOW_MARK
from server.readiness.connection import Connection
from tests.support.connection_host import FakeHost, Pair, fill_output, read_available, send, until_closed
from tests.support.sockets import read_exactly, read_to_end


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


def test_lingering_ends_with_silence(host: FakeHost, pair: Pair) -> None:
    send(pair, b"x" * 120_000)
    host.now += LINGER_SILENCE - 0.1
    send(pair, b"still sending")
    pair[0].check_deadlines(host.now)
    assert pair[0].open
    host.now += LINGER_SILENCE
    pair[0].check_deadlines(host.now)
    assert host.reasons == ["too-long"]


def test_lingering_ends_although_the_client_goes_on(host: FakeHost, pair: Pair) -> None:
    send(pair, b"x" * 120_000)
    end = host.now + LINGER_SECONDS
    while host.now < end:
        assert pair[0].open
        send(pair, b"x")
        host.now += 1
        pair[0].check_deadlines(host.now)
    assert host.reasons == ["too-long"]


def test_the_deadline_counts_from_the_first_byte_of_the_message(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    for _ in range(3):
        host.now += 20  # Silence between messages does not count.
        connection.check_deadlines(host.now)
        send(pair, b"x")
        host.now += 29
        connection.check_deadlines(host.now)
        send(pair, b"\n")
    assert connection.open
    send(pair, b"x")
    for _ in range(3):
        host.now += 10
        assert connection.reason is None
        connection.check_deadlines(host.now)
    assert connection.reason == "message-timeout"
    assert read_to_end(client) == b"x\n" * 3 + b"ERR message timeout\n"


def test_only_a_connection_with_a_deadline_has_it_watched(host: FakeHost, pair: Pair) -> None:
    connection, _ = pair
    send(pair, b"whole\n")
    assert not host.deadline_watched
    assert not connection.has_deadline()
    send(pair, b"beg")
    assert host.deadline_watched == [connection]
    assert connection.has_deadline()
    send(pair, b"un\n")
    assert not connection.has_deadline()
    send(pair, b"x" * 120_000)  # It lingers.
    assert connection.has_deadline()
    assert len(host.deadline_watched) > 1


def test_the_next_message_has_its_own_deadline(host: FakeHost, pair: Pair) -> None:
    send(pair, b"x")
    host.now += 29
    send(pair, b"\nnext")
    host.now += 29
    pair[0].check_deadlines(host.now)
    assert pair[0].reason is None


def test_a_message_is_not_late_while_reading_is_paused(host: FakeHost, pair: Pair) -> None:
    connection, client = pair
    fill_output(pair, b"x" * 9_998 + b"\n")
    host.now += 60
    connection.check_deadlines(host.now)
    assert connection.reason is None
    while not connection.readable():
        read_available(client, 4096)
        connection.on_writable()
    connection.check_deadlines(host.now)
    assert connection.reason is None


def with_idle_time(host: FakeHost, pair: Pair) -> Pair:
    host.settings = replace(host.settings, idle_timeout=10.0)
    return Connection(host, pair[0]._sock, None), pair[1]


def test_an_idle_connection_is_closed_and_an_active_one_kept(host: FakeHost, pair: Pair) -> None:
    pair = with_idle_time(host, pair)
    for _ in range(3):
        host.now += 9
        pair[0].check_deadlines(host.now)
        send(pair, b"x\n")
    assert pair[0].open
    host.now += 10
    pair[0].check_deadlines(host.now)
    assert host.reasons == ["idle"]


def test_the_time_that_an_answer_takes_is_not_idle_time(host: FakeHost, pair: Pair) -> None:
    pair = with_idle_time(host, pair)
    answer = host.wire.answer

    def slow(data: bytes) -> tuple[int, bytes] | None:
        host.turn += 60
        return answer(data)

    host.wire = replace(host.wire, answer=slow)
    send(pair, b"x\n")
    host.now, host.turn = host.now + host.turn, 0
    for later in (0, 5, 4.9):
        host.now += later
        pair[0].check_deadlines(host.now)
        assert pair[0].open
    host.now += 0.2
    pair[0].check_deadlines(host.now)
    assert host.reasons == ["idle"]


def test_a_client_that_does_not_read_its_replies_is_idle(host: FakeHost, pair: Pair) -> None:
    pair = with_idle_time(host, pair)
    fill_output(pair)
    host.now += 10
    pair[0].check_deadlines(host.now)
    assert host.reasons == ["idle"]


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


def test_draining_answers_all_that_has_arrived_and_waits_for_the_unfinished_message_in_it(
    host: FakeHost, pair: Pair
) -> None:
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


def test_the_debug_level_logs_the_tutorials_line(host: FakeHost, pair: Pair) -> None:
    stream = io.StringIO()
    host.log = LogRing(stream, "debug")
    host.log.start()
    pair = Connection(host, pair[0]._sock, "a peer"), pair[1]
    send(pair, b"hello\n")
    host.log.close()
    assert stream.getvalue() == "getting data: b'hello\\n'\n"
