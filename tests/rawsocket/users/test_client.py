import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.monkey import get_original

from rawsocket.engine import deadlines, exchange
from rawsocket.engine.connect import connector
from rawsocket.errors import Closed, RawSocketError, SendTimeout
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.users.client import RawSocketClient
from rawsocket.wire.framing import Chunk, Delimiter, Fixed, Framing, LengthPrefixed, Line
from tests.support import echo
from tests.support.outcomes import BAD_ANSWERS, LOSSES
from tests.support.sockets import full_backlog

LONG = 30.0  # seconds; longer than any working test takes


@pytest.fixture(autouse=True)
def long_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes must not depend on the speed of the machine; tests of these times set them."""
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", LONG)
    monkeypatch.setattr(exchange, "GRACE", LONG)


class RecordingClient:
    """A client that keeps its events."""

    def __init__(self, host: str, port: int, framing: Framing, timeouts: dict[str, float]) -> None:
        self.recorder = Recorder()
        self.events: list[tuple[str, float | None, int, str]] = []
        waits = {"connect_timeout": LONG, "send_timeout": LONG, "reply_timeout": LONG} | timeouts
        self.client = RawSocketClient(
            Target(host, port), framing, recorder=self.recorder, listener=self._listen, **waits
        )

    def _listen(self, row: str, ms: float | None, length: int, failure: RawSocketError | None) -> None:
        self.events.append((row, ms, length, failure.name if failure else "ok"))

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(row, outcome) for row, _, _, outcome in self.events]

    def check(self) -> None:
        """Check the recorder's invariants, which hold at any time between two events."""
        made = self.recorder
        settled = self.client.connected and self.client.connection.settled
        assert made.attempted == made.connected + sum(made.failed.values())
        assert made.connected == sum(made.dropped.values()) + made.closed + settled
        assert made.sent == made.answered + made.wrong + made.unanswered + self.client.in_flight
        assert made.unanswered == sum(made.unanswered_by.values()) >= made.cut
        assert made.held == self.client.connected
        assert made.failures == sum(sum(row.failures.values()) for row in made.rows.values())
        assert sum(row.requests for row in made.rows.values()) == len(self.events)


@contextlib.contextmanager
def recording_client(
    mode: str, framing: Framing | None = None, host: str = "127.0.0.1", **timeouts: float
) -> Iterator[RecordingClient]:
    with echo.running(mode, host) as (_, port):
        made = RecordingClient(host, port, framing or Line(), timeouts)
        made.client.connect()
        try:
            yield made
            made.check()
        finally:
            made.client.close()
        made.check()
        assert made.recorder.held == 0


def ask(made: RecordingClient) -> bytes:
    message = made.client.unique_payload(20)
    return made.client.request(message, name="message", expect=message)


def test_request_returns_its_reply_and_records_both_events():
    with recording_client("echo") as made:
        reply = ask(made)
        assert ask(made) != reply
        assert made.outcomes == [("connect", "ok"), ("message", "ok"), ("message", "ok")]
        assert (made.recorder.sent, made.recorder.answered) == (2, 2)
        assert (made.recorder.bytes_sent, made.recorder.bytes_received) == (42, 42)
        assert all(ms > 0 for _, ms, _, _ in made.events)
        assert [length for _, _, length, _ in made.events] == [0, 20, 20]
    assert made.recorder.closed == 1


def test_latency_from_due_includes_the_delay_before_sending():
    with recording_client("echo") as made:
        made.client.request(b"a", name="message", due=time.perf_counter() - 5)
        made.client.request(b"b", name="message")
        made.client.send(b"c", name="message", due=time.perf_counter() + 5)  # in the future: due when it is sent
        made.client.receive()
        row = made.recorder.rows["message"]
        row.bin_times()
        assert max(row.due) > 4.9e6 > max(row.sent)
        assert sum(us > 4.9e6 for us in row.due) == made.recorder.late == 1
        assert sum(row.due.values()) == sum(row.sent.values()) == sum(row.first.values()) == 3
        assert made.events[1][1] > 5000  # Locust gets the latency from due


def test_reply_in_single_bytes_is_assembled():
    with recording_client("pieces") as made:
        ask(made)


def test_ipv6():
    with recording_client("echo", host="::1") as made:
        ask(made)


def test_a_host_name_is_resolved():
    with echo.running("echo") as (_, port):
        made = RecordingClient("localhost", port, Line(), {})
        made.client.connect()
        ask(made)
        made.client.close()


@pytest.mark.parametrize(("mode", "outcomes", "message"), BAD_ANSWERS)
def test_each_bad_answer_raises_its_named_failure(mode: str, outcomes: list[tuple[str, str]], message: str):
    with recording_client(mode) as made:
        with pytest.raises(RawSocketError) as caught:
            ask(made)
        assert str(caught.value) == outcomes[-1][1]
        assert made.outcomes == outcomes
        assert getattr(made.recorder, message) == 1
        assert not made.client.connected
        refused = outcomes[0][1] == "server-full"
        assert made.recorder.failed == ({"server-full": 1} if refused else {})
        assert made.recorder.dropped == ({} if refused else {outcomes[-1][1]: 1})


@pytest.mark.parametrize("mode", ["silent", "part_then_silence"])
def test_incomplete_reply_fails_as_reply_timeout(mode: str):
    with recording_client(mode, reply_timeout=0.05) as made:
        with pytest.raises(RawSocketError, match="reply-timeout"):
            ask(made)
        assert made.outcomes == [("connect", "ok"), ("message", "reply-timeout")]
        assert (made.recorder.unanswered, made.recorder.dropped) == (1, {"reply-timeout": 1})


def test_send_to_a_peer_that_does_not_read_fails_as_send_timeout():
    with recording_client("unread", Line(1 << 26), send_timeout=0.1) as made:
        with pytest.raises(SendTimeout) as caught:
            made.client.send(b"x" * (1 << 25), name="big")
        assert caught.value.detail.endswith("bytes were left")
        assert made.outcomes == [("connect", "ok"), ("big", "send-timeout")]
        assert 0 < made.recorder.bytes_sent < 1 << 25
        assert made.recorder.unanswered == 1


@pytest.mark.parametrize("framing", [Chunk(), Line(1 << 24)])
def test_client_reads_while_it_writes_a_message_larger_than_all_buffers(framing: Framing):
    with recording_client("echo", framing) as made:
        message = made.client.unique_payload(1 << 23)
        assert made.client.request(message, expect=message) == message


@pytest.mark.parametrize(("mode", "outcomes"), LOSSES)
def test_watch_raises_the_named_failure_of_a_loss(
    mode: str, outcomes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
):
    if mode == "push_part":
        monkeypatch.setattr(exchange, "GRACE", 0.05)
    with recording_client(mode) as made:
        began = time.perf_counter()
        with pytest.raises(RawSocketError, match=outcomes[-1][1]):
            made.client.watch(LONG)
        assert time.perf_counter() - began < LONG / 2
        assert made.outcomes == outcomes
        assert made.recorder.sent == 0


def test_watch_notices_a_loss_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", 0.05)
    listener = socket.create_server(("127.0.0.1", 0))
    made = RecordingClient("127.0.0.1", listener.getsockname()[1], Line(), {})
    made.client.connect()
    peer, _ = listener.accept()

    def watch() -> float:
        with pytest.raises(Closed):
            made.client.watch(LONG)
        return time.perf_counter()

    watching = gevent.spawn(watch)
    wait_until(lambda: made.outcomes == [("connect", "ok")])
    closed_at = time.perf_counter()
    peer.close()
    # The promise is 100 ms; a busy machine may need more, but far less than the wait.
    assert watching.get(timeout=LONG) - closed_at < 5
    assert made.outcomes[1:] == [("drop", "closed")]
    made.check()
    listener.close()


def test_quiet_connection_settles_during_a_watch(monkeypatch: pytest.MonkeyPatch):
    with recording_client("silent") as made:
        made.client.watch(0.05)
        assert made.events == []
        assert made.recorder.attempted == 0
        made.check()
        monkeypatch.setattr(deadlines, "SETTLES_AFTER", 0.1)
        made.client.watch(0.2)
        assert made.outcomes == [("connect", "ok")]
        assert made.recorder.connected == 1


def test_refusal_after_settling_is_a_drop(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", 0.01)
    with recording_client("full_when_spoken_to") as made:
        wait_until(lambda: made.client.connection.settled)
        with pytest.raises(RawSocketError, match="server-full"):
            ask(made)
        assert made.outcomes == [("connect", "ok"), ("message", "server-full")]
        assert (made.recorder.failed, made.recorder.dropped) == ({}, {"server-full": 1})


@pytest.mark.parametrize("how", ["watch", "ask"])
def test_second_reply_on_an_idle_connection_is_wrong(how: str):
    with recording_client("twice") as made:
        ask(made)
        with pytest.raises(RawSocketError, match="wrong"):
            made.client.watch(LONG) if how == "watch" else ask(made)
        assert made.recorder.answered == 1
        assert made.recorder.dropped == {"wrong": 1}


def test_send_and_receive_match_replies_in_order():
    with recording_client("echo") as made:
        for number in range(3):
            made.client.send(b"%d" % number, name=f"row {number}")
        made.client.watch(0.01)
        assert made.client.in_flight == 3
        assert [made.client.receive(expect=b"%d" % number) for number in range(3)] == [b"0", b"1", b"2"]
        assert [row for row, *_ in made.events[1:]] == ["row 0", "row 1", "row 2"]
        made.client.send(b"x")
        with pytest.raises(RuntimeError, match="receive"):
            made.client.request(b"y")
        assert made.client.receive(name="other") == b"x"
        assert made.events[-1][0] == "other"


def test_loss_during_a_watch_fails_messages_in_flight():
    with recording_client("close_when_spoken_to") as made:
        made.client.send(b"a", name="a")
        made.client.send(b"b", name="b")
        with pytest.raises(RawSocketError):
            made.client.watch(LONG)
        assert [row for row, *_ in made.events] == ["connect", "a", "b"]
        assert made.recorder.unanswered == 2


def test_receive_returns_a_push():
    with recording_client("push") as made:
        assert made.client.receive(name="news") == b"nobody asked"
        assert made.outcomes == [("connect", "ok"), ("news", "ok")]
        assert (made.recorder.sent, made.recorder.answered) == (0, 0)


def test_receive_without_data_is_one_reply_timeout():
    with recording_client("silent") as made:
        with pytest.raises(RawSocketError, match="reply-timeout"):
            made.client.receive(name="news", timeout=0.05)
        assert made.outcomes == [("connect", "ok"), ("news", "reply-timeout")]
        assert made.recorder.unanswered == 0


def test_expect_callable_checks_a_reply():
    with recording_client("echo") as made:
        made.client.request(b"hello", expect=lambda reply: reply.startswith(b"he"))
        with pytest.raises(RawSocketError, match="wrong"):
            made.client.request(b"hello", expect=lambda reply: False)


def test_exception_in_an_expect_callable_is_wrong_and_reaches_the_caller():
    with recording_client("echo") as made:
        with pytest.raises(ZeroDivisionError):
            made.client.request(b"hello", expect=lambda reply: 1 / 0 > 1)
        assert made.outcomes == [("connect", "ok"), ("request", "wrong")]


def test_chunks_are_joined_up_to_the_expected_length():
    with recording_client("pieces", Chunk()) as made:
        ask(made)
        assert made.client.request(b"hello", expect=lambda reply: len(reply) == 5) == b"hello"


@pytest.mark.parametrize(
    ("mode", "name", "reply_timeout"),
    [
        ("wrong", "wrong", LONG),
        ("longer", "too-long", LONG),
        ("part_then_close", "closed", LONG),
        ("part_then_silence", "reply-timeout", 0.1),
        ("full_when_spoken_to", "server-full", LONG),
    ],
)
def test_bad_chunk_raises_its_named_failure(mode: str, name: str, reply_timeout: float):
    with (
        recording_client(mode, Chunk(), reply_timeout=reply_timeout) as made,
        pytest.raises(RawSocketError, match=name),
    ):
        ask(made)


def test_any_chunk_is_a_reply_without_an_expectation():
    with recording_client("echo", Chunk()) as made:
        assert made.client.request(b"hello")


@pytest.mark.parametrize(
    "framing",
    [
        Line(),
        Chunk(),
        Delimiter(b"\0"),
        Fixed(20),
        *(
            LengthPrefixed(size, order, counts)
            for size in (1, 2, 4, 8)
            for order in ("big", "little")
            for counts in (False, True)
        ),
    ],
    ids=str,
)
def test_each_framing_works_with_the_lab_server(framing: Framing, chunk_server: tuple[str, int]):
    made = RecordingClient(*chunk_server, framing, {})
    made.client.connect()
    for _ in range(3):
        ask(made)
    made.client.close()
    assert made.outcomes == [("connect", "ok"), *[("message", "ok")] * 3]
    made.check()


@pytest.fixture(scope="module")
def chunk_server() -> Iterator[tuple[str, int]]:
    with echo.lab_server("--framing", "chunk", "--app", "echo") as address:
        yield address


def test_connect_without_a_listener_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    made = RecordingClient("127.0.0.1", port, Line(), {})
    with pytest.raises(RawSocketError, match="refused"):
        made.client.connect()
    with pytest.raises(RawSocketError, match="refused"):
        made.client.connect(reconnect=True)
    assert made.outcomes == [("connect", "refused"), ("reconnect", "refused")]
    assert made.recorder.failed == {"refused": 2}
    made.check()


def test_unanswered_connect_fails_as_connect_timeout():
    with full_backlog() as port:
        made = RecordingClient("127.0.0.1", port, Line(), {"connect_timeout": 0.2})
        with pytest.raises(RawSocketError, match="connect-timeout"):
            made.client.connect()
        assert made.outcomes == [("connect", "connect-timeout")]
        made.check()


def test_attempt_killed_while_connecting_is_not_counted():
    with full_backlog() as port:
        made = RecordingClient("127.0.0.1", port, Line(), {})
        connecting = gevent.spawn(made.client.connect)
        gevent.sleep(0.05)
        connecting.kill()
        assert (made.recorder.attempted, made.events) == (0, [])
        made.check()


def test_message_of_a_killed_request_is_unanswered():
    with recording_client("silent") as made:
        asking = gevent.spawn(ask, made)
        wait_until(lambda: made.recorder.sent == 1)
        asking.kill()
        made.check()
        made.client.close()
        assert (made.recorder.unanswered, made.recorder.closed, made.recorder.failures) == (1, 1, 0)
        assert made.outcomes == [("connect", "ok")]


def test_client_can_reconnect_after_a_loss():
    with recording_client("one_answer") as made:
        first = ask(made)
        with pytest.raises(RawSocketError):
            made.client.watch(LONG)
        with pytest.raises(Closed) as caught:
            ask(made)
        assert caught.value.detail == "not connected"
        made.client.connect(reconnect=True)
        assert ask(made) != first
        assert made.recorder.reconnects == 1
        assert [row for row, *_ in made.events] == ["connect", "message", "drop", "reconnect", "message"]


def test_watch_without_a_connection_only_waits():
    made = RecordingClient("127.0.0.1", 1, Line(), {})
    made.client.watch(0.01)
    made.client.close()
    assert made.events == []


def test_second_connect_is_an_error():
    with recording_client("echo") as made, pytest.raises(RuntimeError, match="close"):
        made.client.connect()


@pytest.mark.parametrize("seconds", [0, -1, None, float("nan")])
def test_invalid_timeout_is_a_value_error(seconds: Any):
    with pytest.raises(ValueError, match="timeout"):
        RecordingClient("127.0.0.1", 1, Line(), {"reply_timeout": seconds})


def wait_until(happened: Any) -> None:
    deadline = time.perf_counter() + LONG
    while not happened():
        assert time.perf_counter() < deadline
        gevent.sleep(0.005)


# Messages that wait for the server when the run stops.


def test_unanswered_request_waits_since_it_was_due():
    with recording_client("silent") as made:
        asking = gevent.spawn(made.client.request, b"x", name="message", due=time.perf_counter() - 2)
        gevent.sleep(0.05)
        found = made.client.waiting(time.perf_counter() + 1)
        assert found is not None
        assert (found.name, len(found.ages)) == ("message", 1)
        assert 1 < found.owed < LONG
        assert found.ages[0][0] == pytest.approx(found.owed + 2, abs=0.01)
        asking.kill()
        assert made.client.waiting(time.perf_counter() + 1) is None  # the request that waited for it has ended


def test_sent_message_waits_only_during_a_receive():
    with recording_client("silent") as made:
        for _ in range(3):
            made.client.send(b"x", name="message")
        later = time.perf_counter() + 5
        assert made.client.waiting(later) is None
        receiving = gevent.spawn(made.client.receive)
        gevent.sleep(0)
        found = made.client.waiting(later)
        assert found is not None
        assert len(found.ages) == 3
        receiving.kill()


def test_message_blocked_in_send_waits():
    with recording_client("unread") as made:
        sending = gevent.spawn(made.client.send, b"x" * 50_000_000, name="message")
        gevent.sleep(0.05)
        found = made.client.waiting(time.perf_counter() + 1)
        assert found is not None
        assert len(found.ages) == 1
        sending.kill()


def test_messages_answered_or_in_transit_do_not_wait():
    with recording_client("echo") as made:
        ask(made)
        assert made.client.waiting(time.perf_counter() + 5) is None
    with recording_client("silent") as made:
        asking = gevent.spawn(made.client.request, b"x")
        gevent.sleep(0)
        assert made.client.waiting(made.client.connection._flight[2] + 0.001) is None
        asking.kill()


def test_message_with_an_unread_reply_does_not_wait():
    with recording_client("echo") as made:
        connection = made.client.connection
        asking = gevent.spawn(made.client.request, b"x", name="message")
        gevent.sleep(0)
        while not connector.readable(connection._sock):
            get_original("time", "sleep")(0.005)  # gevent's own would give the reactor its turn
        assert made.client.waiting(time.perf_counter() + 5) is None
        assert asking.get() == b"x"


# Losses and pushes between two calls.


def test_loss_between_calls_is_recorded_at_once_and_raised_by_the_next_call():
    with recording_client("close_at_once") as made:
        wait_until(lambda: made.outcomes == [("connect", "ok"), ("drop", "closed")])
        assert not made.client.connected
        with pytest.raises(Closed) as caught:
            ask(made)
        assert caught.value.detail == "by the server"
        with pytest.raises(Closed) as caught:
            ask(made)
        assert caught.value.detail == "not connected"


def test_receive_returns_a_push_that_arrived_before_the_close():
    with recording_client("push_then_close") as made:
        connection = made.client.connection
        wait_until(lambda: connection.exchange and connection.exchange._received.failure())
        assert made.client.connected
        assert made.client.receive(name="news") == b"nobody asked"
        with pytest.raises(Closed):
            made.client.receive(name="news")
        assert made.outcomes == [("connect", "ok"), ("news", "ok"), ("news", "closed")]


def test_receive_returns_a_reply_that_arrived_before_the_close():
    with recording_client("one_answer") as made:
        made.client.send(b"a", name="a")
        connection = made.client.connection
        wait_until(lambda: connection.exchange._received.failure())
        assert made.client.receive(expect=b"a") == b"a"
        with pytest.raises(Closed):
            made.client.watch(LONG)
        assert made.outcomes == [("connect", "ok"), ("a", "ok"), ("drop", "closed")]


def test_send_after_a_push_fails_as_wrong():
    with recording_client("push") as made:
        wait_until(lambda: made.client.connection.exchange)
        with pytest.raises(RawSocketError, match="wrong"):
            made.client.send(b"a")
        assert made.outcomes == [("connect", "ok"), ("drop", "wrong")]
        assert made.recorder.sent == 0
