"""Messages that a session sends: complete, in order, and counted when sending fails."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from rawsocket.engine.exchange.exchange import Exchange
from rawsocket.engine.exchange.in_flight import NOBODY, InFlight, Receiving
from rawsocket.errors import Closed
from rawsocket.target import Target
from rawsocket.users.session.runner import Session
from rawsocket.users.steps import Close, Connect, Receive, Request, Send, Wait
from rawsocket.wire.framing import Chunk, Framing, Line
from tests.support.local_run import LONG
from tests.support.scripted_user import ScriptedUser, config_for, engine_under_test, scripted_user

pytestmark = pytest.mark.usefixtures("long_timeouts")


def test_send_to_a_peer_that_does_not_read_fails_as_send_timeout():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        yield Request(b"x" * (1 << 25), "big")

    with scripted_user("unread", script, Line(1 << 26), send_timeout=0.2) as user:
        assert str(user.wait_for_end().raised) == "send-timeout"
        assert user.raised.detail.endswith("bytes were left")
        assert user.outcomes == [("connect", "ok"), ("big", "send-timeout")]
        assert 0 < user.recorder.bytes_sent < 1 << 25
        assert (user.recorder.unanswered, user.recorder.cut) == (1, 1)


@pytest.mark.parametrize("framing", [Chunk(), Line(1 << 24)], ids=["chunk", "line"])
def test_connection_reads_while_it_writes_a_message_larger_than_all_buffers(framing: Framing):
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        reply = yield user.ask(1 << 23)
        yield Wait(0)
        return len(reply), user.connection.exchange

    with scripted_user("echo", script, framing) as user:
        assert user.wait_for_end().result == (1 << 23, None)


def test_pipelined_replies_match_their_messages_in_order():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        most = 0
        for _ in range(100):
            assert (yield user.ask(inflight=8)) is None
            most = max(most, user.connection.in_flight)
        last = yield user.ask()
        return most, last

    with scripted_user("echo", script) as user:
        most, last = user.wait_for_end().result
        assert most == 7
        assert len(last) == 20
        assert user.recorder.answered == 101
        assert user.outcomes == [("connect", "ok")] + [("message", "ok")] * 101


def test_duplicate_reply_in_a_pipeline_is_wrong():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        for _ in range(10):
            yield user.ask(inflight=4)
        yield Wait(LONG)

    with scripted_user("twice", script) as user:
        assert str(user.wait_for_end().raised) == "wrong"
        assert user.recorder.wrong == 1
        assert user.outcomes[-1] == ("message", "wrong")


def test_timeout_fails_each_message_of_a_pipeline():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        for _ in range(5):
            yield user.ask(inflight=6)
        yield Wait(LONG)

    with scripted_user("silent", script, reply_timeout=0.1) as user:
        assert str(user.wait_for_end().raised) == "reply-timeout"
        assert user.outcomes[1:] == [("message", "reply-timeout")] * 5
        assert user.recorder.unanswered_by == {"reply-timeout": 5}


def test_close_leaves_messages_in_flight_unanswered():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        yield Send(b"hello")
        yield Close()
        yield Close()
        yield Connect()
        return user.connection.reconnect

    with scripted_user("silent", script) as user:
        assert user.wait_for_end().result is False
        assert user.recorder.unanswered_by == {"client": 1}
        assert (user.recorder.failures, user.recorder.closed) == (0, 2)


def test_step_without_a_connection_raises_closed():
    def script(user: ScriptedUser) -> Session:
        refused = 0
        for step in (Request(b"x"), Request(b"x", inflight=2), Send(b"x"), Receive()):
            try:
                yield step
            except Closed:
                refused += 1
        return refused

    with scripted_user("echo", script) as user:
        assert user.wait_for_end().result == 4
        assert (user.recorder.sent, user.recorder.failures) == (0, 0)


def test_connection_without_received_data_is_unproven():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        yield Close()
        yield Connect()
        yield user.ask()

    with scripted_user("echo", script) as user:
        user.wait_for_end()
        assert user.recorder.unproven == 1


@pytest.mark.parametrize(
    "use",
    [
        lambda exchange: exchange.in_flight.append(InFlight("a", 1.0, 1.0, None, None)),
        lambda exchange: exchange.receiver._inbox.add_reply(b"reply"),
        lambda exchange: exchange.receiver._received.feed(b"whole\n", 1.0, False),
        lambda exchange: exchange.receiver._received.feed(b"part", 1.0, False),
        lambda exchange: exchange.sender._outgoing.add(b"x", 1.0),
        lambda exchange: setattr(exchange.receiver, "receiving", Receiving("a", None, 1.0, 2.0)),
    ],
)
def test_exchange_is_unused_until_it_holds_something(use: Callable[[Exchange], None]):
    with engine_under_test() as engine:
        config = config_for(engine, SimpleNamespace(listener=None), Target("a", 1))
        made = Exchange(SimpleNamespace(config=config, owner=SimpleNamespace(handlers=None)), None, ())
        assert made.is_unused
        use(made)
        assert not made.is_unused


def test_loop_needs_no_exchange_after_a_message_beside_it():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        user.connection.send(b"beat", "heartbeat", b"beat", to=NOBODY)
        for _ in range(5):
            yield user.ask()
        return user.connection.exchange is None

    with scripted_user("echo", script) as user:
        assert user.wait_for_end().result is True


@pytest.mark.parametrize("expect", [None, lambda reply: reply == b"hello"])
def test_whole_reply_that_is_checked_otherwise_needs_no_exchange(expect: Any):
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        yield Request(b"hello", expect=expect)
        return user.connection.exchange is None

    with scripted_user("echo", script) as user:
        assert user.wait_for_end().result is True
        assert user.recorder.answered == 1


def test_wrong_reply_is_checked_once():
    asked: list[bytes] = []

    def script(user: ScriptedUser) -> Session:
        yield Connect()
        yield Request(b"hello", expect=asked.append)

    with scripted_user("echo", script) as user:
        assert user.wait_for_end().recorder.wrong == 1
        assert asked == [b"hello"]
