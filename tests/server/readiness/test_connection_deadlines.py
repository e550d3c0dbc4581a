"""One connection without a loop: how long it lingers, its message and idle timeouts."""

from __future__ import annotations

from dataclasses import replace

from server.policy import LINGER_SECONDS, LINGER_SILENCE
from server.readiness.connection import Connection
from tests.support.connection_host import FakeHost, Pair, fill_output, read_available, send
from tests.support.sockets import read_to_end


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
