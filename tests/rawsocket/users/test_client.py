import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import socket
import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from rawsocket.engine import deadlines
from rawsocket.engine.exchange import exchange
from rawsocket.errors import Closed, RawSocketError, SendTimeout
from rawsocket.wire.framing import Chunk, Delimiter, Fixed, Framing, LengthPrefixed, Line
from tests.support import echo
from tests.support.local_run import LONG, wait_until
from tests.support.outcomes import BAD_ANSWERS, LOSSES
from tests.support.recording_client import RecordingClient, ask, recording_client

pytestmark = pytest.mark.usefixtures("long_timeouts")


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


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.request("text"),
        lambda client: client.request(b"a", name=3),
        lambda client: client.send("text"),
        lambda client: client.send(b"a", reply=False, expect=b"b"),
        lambda client: client.receive(name=3),
        lambda client: client.send_raw("text"),
        lambda client: client.set_framing("line"),
        lambda client: client.start_tls(3),
    ],
)
def test_misused_call_says_so_and_leaves_the_connection_as_it_is(call: Any):
    with recording_client("echo") as made:
        with pytest.raises((TypeError, ValueError), match=r"must be|one-way"):
            call(made.client)
        assert made.client.request(b"a", name="message") == b"a"
        assert made.recorder.failures == 0


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
    try:
        with recording_client(mode) as made:
            began = time.perf_counter()
            with pytest.raises(RawSocketError, match=outcomes[-1][1]):
                made.client.watch(LONG)
            assert time.perf_counter() - began < LONG / 2
            assert made.outcomes == outcomes
            assert made.recorder.sent == 0
    except RawSocketError as failure:
        if (mode, str(failure)) != ("reset", "reset"):  # it may come before the client has noticed its connect
            raise


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
        assert made.outcomes == [("connect", "ok"), ("push", "ok"), ("news", "ok")]
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


def test_exception_in_an_expect_callable_reaches_the_caller_and_is_no_failure_of_the_server():
    with recording_client("echo") as made:
        with pytest.raises(ZeroDivisionError):
            made.client.request(b"hello", expect=lambda reply: 1 / 0 > 1)
        assert made.outcomes == [("connect", "ok")]
        assert (made.recorder.failures, made.recorder.unanswered_by) == (0, {"client": 1})
        assert made.recorder.closed == 1


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
