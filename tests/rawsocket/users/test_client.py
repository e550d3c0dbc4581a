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

LONG = 30.0  # seconds that nothing here takes, unless it is broken


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No outcome may depend on how fast this machine is; tests that are about these times set them."""
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", LONG)
    monkeypatch.setattr(exchange, "GRACE", LONG)


class Rig:
    """A client whose events are kept."""

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
        """The recorder's invariants, which hold at any moment between two events."""
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
def rig(mode: str, framing: Framing | None = None, host: str = "127.0.0.1", **timeouts: float) -> Iterator[Rig]:
    with echo.running(mode, host) as (_, port):
        made = Rig(host, port, framing or Line(), timeouts)
        made.client.connect()
        try:
            yield made
            made.check()
        finally:
            made.client.close()
        made.check()
        assert made.recorder.held == 0


def ask(made: Rig) -> bytes:
    message = made.client.unique_payload(20)
    return made.client.request(message, name="message", expect=message)


def test_a_request_brings_its_reply_and_both_events():
    with rig("echo") as made:
        reply = ask(made)
        assert ask(made) != reply
        assert made.outcomes == [("connect", "ok"), ("message", "ok"), ("message", "ok")]
        assert (made.recorder.sent, made.recorder.answered) == (2, 2)
        assert (made.recorder.bytes_sent, made.recorder.bytes_received) == (42, 42)
        assert all(ms > 0 for _, ms, _, _ in made.events)
        assert [length for _, _, length, _ in made.events] == [0, 20, 20]
    assert made.recorder.closed == 1


def test_a_message_may_have_been_due_before_it_was_sent():
    with rig("echo") as made:
        made.client.request(b"a", name="message", due=time.perf_counter() - 5)
        made.client.request(b"b", name="message")
        made.client.send(b"c", name="message", due=time.perf_counter() + 5)  # in the future: due when it is sent
        made.client.receive()
        row = made.recorder.rows["message"]
        row.bin_times()
        assert max(row.due) > 4.9e6 > max(row.sent)
        assert sum(us > 4.9e6 for us in row.due) == made.recorder.late == 1
        assert sum(row.due.values()) == sum(row.sent.values()) == sum(row.first.values()) == 3
        assert made.events[1][1] > 5000  # what Locust is told is from due


def test_a_reply_in_single_bytes_is_gathered():
    with rig("pieces") as made:
        ask(made)


def test_ipv6():
    with rig("echo", host="::1") as made:
        ask(made)


def test_a_host_name_is_resolved():
    with echo.running("echo") as (_, port):
        made = Rig("localhost", port, Line(), {})
        made.client.connect()
        ask(made)
        made.client.close()


@pytest.mark.parametrize(("mode", "outcomes", "message"), BAD_ANSWERS)
def test_each_bad_answer_has_its_name(mode: str, outcomes: list[tuple[str, str]], message: str):
    with rig(mode) as made:
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
def test_a_reply_that_is_not_whole_in_time_is_reply_timeout(mode: str):
    with rig(mode, reply_timeout=0.05) as made:
        with pytest.raises(RawSocketError, match="reply-timeout"):
            ask(made)
        assert made.outcomes == [("connect", "ok"), ("message", "reply-timeout")]
        assert (made.recorder.unanswered, made.recorder.dropped) == (1, {"reply-timeout": 1})


def test_a_peer_that_does_not_read_is_send_timeout():
    with rig("unread", Line(1 << 26), send_timeout=0.1) as made:
        with pytest.raises(SendTimeout) as caught:
            made.client.send(b"x" * (1 << 25), name="big")
        assert caught.value.detail.endswith("bytes were left")
        assert made.outcomes == [("connect", "ok"), ("big", "send-timeout")]
        assert 0 < made.recorder.bytes_sent < 1 << 25
        assert made.recorder.unanswered == 1


@pytest.mark.parametrize("framing", [Chunk(), Line(1 << 24)])
def test_a_message_larger_than_all_buffers_is_read_while_it_is_written(framing: Framing):
    with rig("echo", framing) as made:
        message = made.client.unique_payload(1 << 23)
        assert made.client.request(message, expect=message) == message


@pytest.mark.parametrize(("mode", "outcomes"), LOSSES)
def test_while_it_waits_the_socket_is_watched(
    mode: str, outcomes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
):
    if mode == "push_part":
        monkeypatch.setattr(exchange, "GRACE", 0.05)
    with rig(mode) as made:
        began = time.perf_counter()
        with pytest.raises(RawSocketError, match=outcomes[-1][1]):
            made.client.watch(LONG)
        assert time.perf_counter() - began < LONG / 2
        assert made.outcomes == outcomes
        assert made.recorder.sent == 0


def test_a_loss_is_noticed_when_it_happens(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", 0.05)
    listener = socket.create_server(("127.0.0.1", 0))
    made = Rig("127.0.0.1", listener.getsockname()[1], Line(), {})
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
    # 100 ms are promised; a busy machine may need more, but nothing near the wait.
    assert watching.get(timeout=LONG) - closed_at < 5
    assert made.outcomes[1:] == [("drop", "closed")]
    made.check()
    listener.close()


def test_a_quiet_connection_settles_while_it_is_watched(monkeypatch: pytest.MonkeyPatch):
    with rig("silent") as made:
        made.client.watch(0.05)
        assert made.events == []
        assert made.recorder.attempted == 0
        made.check()
        monkeypatch.setattr(deadlines, "SETTLES_AFTER", 0.1)
        made.client.watch(0.2)
        assert made.outcomes == [("connect", "ok")]
        assert made.recorder.connected == 1


def test_a_refusal_after_settling_is_a_drop(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", 0.01)
    with rig("full_when_spoken_to") as made:
        wait_until(lambda: made.client.connection.settled)
        with pytest.raises(RawSocketError, match="server-full"):
            ask(made)
        assert made.outcomes == [("connect", "ok"), ("message", "server-full")]
        assert (made.recorder.failed, made.recorder.dropped) == ({}, {"server-full": 1})


@pytest.mark.parametrize("how", ["watch", "ask"])
def test_a_reply_that_came_twice_is_found_out(how: str):
    with rig("twice") as made:
        ask(made)
        with pytest.raises(RawSocketError, match="wrong"):
            made.client.watch(LONG) if how == "watch" else ask(made)
        assert made.recorder.answered == 1
        assert made.recorder.dropped == {"wrong": 1}


def test_send_and_receive_match_replies_in_order():
    with rig("echo") as made:
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


def test_messages_in_flight_carry_the_failure_that_a_wait_finds():
    with rig("close_when_spoken_to") as made:
        made.client.send(b"a", name="a")
        made.client.send(b"b", name="b")
        with pytest.raises(RawSocketError):
            made.client.watch(LONG)
        assert [row for row, *_ in made.events] == ["connect", "a", "b"]
        assert made.recorder.unanswered == 2


def test_what_a_server_sends_by_itself_can_be_received():
    with rig("push") as made:
        assert made.client.receive(name="news") == b"nobody asked"
        assert made.outcomes == [("connect", "ok"), ("news", "ok")]
        assert (made.recorder.sent, made.recorder.answered) == (0, 0)


def test_waiting_in_vain_for_what_nobody_asked_for_is_one_failure():
    with rig("silent") as made:
        with pytest.raises(RawSocketError, match="reply-timeout"):
            made.client.receive(name="news", timeout=0.05)
        assert made.outcomes == [("connect", "ok"), ("news", "reply-timeout")]
        assert made.recorder.unanswered == 0


def test_a_callable_decides_what_is_right():
    with rig("echo") as made:
        made.client.request(b"hello", expect=lambda reply: reply.startswith(b"he"))
        with pytest.raises(RawSocketError, match="wrong"):
            made.client.request(b"hello", expect=lambda reply: False)


def test_an_expectation_that_raises_is_wrong_and_the_callers_own_exception():
    with rig("echo") as made:
        with pytest.raises(ZeroDivisionError):
            made.client.request(b"hello", expect=lambda reply: 1 / 0 > 1)
        assert made.outcomes == [("connect", "ok"), ("request", "wrong")]


def test_chunks_are_gathered_until_the_expected_length():
    with rig("pieces", Chunk()) as made:
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
def test_chunks_that_go_wrong_have_a_name(mode: str, name: str, reply_timeout: float):
    with rig(mode, Chunk(), reply_timeout=reply_timeout) as made, pytest.raises(RawSocketError, match=name):
        ask(made)


def test_any_chunk_will_do_where_nothing_is_expected():
    with rig("echo", Chunk()) as made:
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
def test_every_framing_works_against_the_labs_own_server(framing: Framing, chunk_server: tuple[str, int]):
    made = Rig(*chunk_server, framing, {})
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


def test_nobody_listening_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    made = Rig("127.0.0.1", port, Line(), {})
    with pytest.raises(RawSocketError, match="refused"):
        made.client.connect()
    with pytest.raises(RawSocketError, match="refused"):
        made.client.connect(reconnect=True)
    assert made.outcomes == [("connect", "refused"), ("reconnect", "refused")]
    assert made.recorder.failed == {"refused": 2}
    made.check()


def test_no_answer_to_a_connect_is_connect_timeout():
    with full_backlog() as port:
        made = Rig("127.0.0.1", port, Line(), {"connect_timeout": 0.2})
        with pytest.raises(RawSocketError, match="connect-timeout"):
            made.client.connect()
        assert made.outcomes == [("connect", "connect-timeout")]
        made.check()


def test_killed_while_connecting_it_never_tried():
    with full_backlog() as port:
        made = Rig("127.0.0.1", port, Line(), {})
        connecting = gevent.spawn(made.client.connect)
        gevent.sleep(0.05)
        connecting.kill()
        assert (made.recorder.attempted, made.events) == (0, [])
        made.check()


def test_killed_while_waiting_for_a_reply_the_message_is_unanswered():
    with rig("silent") as made:
        asking = gevent.spawn(ask, made)
        wait_until(lambda: made.recorder.sent == 1)
        asking.kill()
        made.check()
        made.client.close()
        assert (made.recorder.unanswered, made.recorder.closed, made.recorder.failures) == (1, 1, 0)
        assert made.outcomes == [("connect", "ok")]


def test_what_was_lost_can_be_connected_again():
    with rig("one_answer") as made:
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


def test_without_a_connection_watching_just_waits():
    made = Rig("127.0.0.1", 1, Line(), {})
    made.client.watch(0.01)
    made.client.close()
    assert made.events == []


def test_connecting_twice_is_a_mistake():
    with rig("echo") as made, pytest.raises(RuntimeError, match="close"):
        made.client.connect()


@pytest.mark.parametrize("seconds", [0, -1, None, float("nan")])
def test_timeouts_are_required(seconds: Any):
    with pytest.raises(ValueError, match="timeout"):
        Rig("127.0.0.1", 1, Line(), {"reply_timeout": seconds})


def wait_until(happened: Any) -> None:
    deadline = time.perf_counter() + LONG
    while not happened():
        assert time.perf_counter() < deadline
        gevent.sleep(0.005)


# What waits for the server when stop is asked.


def test_a_request_without_its_reply_waits_since_it_was_due():
    with rig("silent") as made:
        asking = gevent.spawn(made.client.request, b"x", name="message", due=time.perf_counter() - 2)
        gevent.sleep(0.05)
        found = made.client.waiting(time.perf_counter() + 1)
        assert found is not None
        assert (found.name, len(found.ages)) == ("message", 1)
        assert 1 < found.owed < LONG
        assert found.ages[0][0] == pytest.approx(found.owed + 2, abs=0.01)
        asking.kill()
        assert made.client.waiting(time.perf_counter() + 1) is None  # nobody waits for its reply any more


def test_what_was_only_sent_waits_once_its_reply_is_wanted():
    with rig("silent") as made:
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


def test_a_message_that_the_kernel_does_not_take_waits():
    with rig("unread") as made:
        sending = gevent.spawn(made.client.send, b"x" * 50_000_000, name="message")
        gevent.sleep(0.05)
        found = made.client.waiting(time.perf_counter() + 1)
        assert found is not None
        assert len(found.ages) == 1
        sending.kill()


def test_what_is_answered_or_on_its_way_does_not_wait():
    with rig("echo") as made:
        ask(made)
        assert made.client.waiting(time.perf_counter() + 5) is None
    with rig("silent") as made:
        asking = gevent.spawn(made.client.request, b"x")
        gevent.sleep(0)
        assert made.client.waiting(made.client.connection._flight[2] + 0.001) is None
        asking.kill()


def test_a_reply_that_is_there_unread_is_not_waited_for():
    with rig("echo") as made:
        connection = made.client.connection
        asking = gevent.spawn(made.client.request, b"x", name="message")
        gevent.sleep(0)
        while not connector.readable(connection._sock):
            get_original("time", "sleep")(0.005)  # gevent's own would give the reactor its turn
        assert made.client.waiting(time.perf_counter() + 5) is None
        assert asking.get() == b"x"


# Between two calls.


def test_a_loss_between_two_calls_is_recorded_at_once_and_raised_by_the_next_call():
    with rig("close_at_once") as made:
        wait_until(lambda: made.outcomes == [("connect", "ok"), ("drop", "closed")])
        assert not made.client.connected
        with pytest.raises(Closed) as caught:
            ask(made)
        assert caught.value.detail == "by the server"
        with pytest.raises(Closed) as caught:
            ask(made)
        assert caught.value.detail == "not connected"


def test_what_the_server_sent_before_it_closed_can_be_received():
    with rig("push_then_close") as made:
        connection = made.client.connection
        wait_until(lambda: connection.exchange and connection.exchange._received.failure())
        assert made.client.connected
        assert made.client.receive(name="news") == b"nobody asked"
        with pytest.raises(Closed):
            made.client.receive(name="news")
        assert made.outcomes == [("connect", "ok"), ("news", "ok"), ("news", "closed")]


def test_replies_that_arrived_before_the_server_closed_can_be_received():
    with rig("one_answer") as made:
        made.client.send(b"a", name="a")
        connection = made.client.connection
        wait_until(lambda: connection.exchange._received.failure())
        assert made.client.receive(expect=b"a") == b"a"
        with pytest.raises(Closed):
            made.client.watch(LONG)
        assert made.outcomes == [("connect", "ok"), ("a", "ok"), ("drop", "closed")]


def test_what_nobody_asked_for_is_wrong_with_the_next_message():
    with rig("push") as made:
        wait_until(lambda: made.client.connection.exchange)
        with pytest.raises(RawSocketError, match="wrong"):
            made.client.send(b"a")
        assert made.outcomes == [("connect", "ok"), ("drop", "wrong")]
        assert made.recorder.sent == 0
