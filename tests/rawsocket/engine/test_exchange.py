"""What goes out on a session's connection: whole, in order, and accounted for when it can't."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from rawsocket.engine import deadlines, exchange
from rawsocket.engine.exchange import Exchange
from rawsocket.engine.in_flight import InFlight, Receiving
from rawsocket.errors import Closed
from rawsocket.target import Target
from rawsocket.users.session_runner import Session
from rawsocket.users.steps import Close, Connect, Receive, Request, Send, Wait
from rawsocket.wire.framing import Chunk, Framing, Line
from tests.support.running import LONG
from tests.support.stage import Stage, config_for, staged, theatre


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No outcome may depend on how fast this machine is; tests that are about these times set them."""
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", LONG)
    monkeypatch.setattr(exchange, "GRACE", LONG)


def test_a_peer_that_does_not_read_is_send_timeout():
    def play(stage: Stage) -> Session:
        yield Connect()
        yield Request(b"x" * (1 << 25), "big")

    with staged("unread", play, Line(1 << 26), send_timeout=0.2) as stage:
        assert str(stage.played().raised) == "send-timeout"
        assert stage.raised.detail.endswith("bytes were left")
        assert stage.outcomes == [("connect", "ok"), ("big", "send-timeout")]
        assert 0 < stage.recorder.bytes_sent < 1 << 25
        assert (stage.recorder.unanswered, stage.recorder.cut) == (1, 1)


@pytest.mark.parametrize("framing", [Chunk(), Line(1 << 24)], ids=["chunk", "line"])
def test_a_message_larger_than_all_buffers_is_read_while_it_is_written(framing: Framing):
    def play(stage: Stage) -> Session:
        yield Connect()
        reply = yield stage.ask(1 << 23)
        yield Wait(0)
        return len(reply), stage.connection.exchange

    with staged("echo", play, framing) as stage:
        assert stage.played().result == (1 << 23, None)


def test_pipelined_messages_are_matched_in_order():
    def play(stage: Stage) -> Session:
        yield Connect()
        most = 0
        for _ in range(100):
            assert (yield stage.ask(inflight=8)) is None
            most = max(most, stage.connection.in_flight)
        last = yield stage.ask()
        return most, last

    with staged("echo", play) as stage:
        most, last = stage.played().result
        assert most == 7
        assert len(last) == 20
        assert stage.recorder.answered == 101
        assert stage.outcomes == [("connect", "ok")] + [("message", "ok")] * 101


def test_a_pipeline_that_is_swapped_or_doubled_is_wrong():
    def play(stage: Stage) -> Session:
        yield Connect()
        for _ in range(10):
            yield stage.ask(inflight=4)
        yield Wait(LONG)

    with staged("twice", play) as stage:
        assert str(stage.played().raised) == "wrong"
        assert stage.recorder.wrong == 1
        assert stage.outcomes[-1] == ("message", "wrong")


def test_in_a_pipeline_that_is_lost_each_message_has_the_failure():
    def play(stage: Stage) -> Session:
        yield Connect()
        for _ in range(5):
            yield stage.ask(inflight=6)
        yield Wait(LONG)

    with staged("silent", play, reply_timeout=0.1) as stage:
        assert str(stage.played().raised) == "reply-timeout"
        assert stage.outcomes[1:] == [("message", "reply-timeout")] * 5
        assert stage.recorder.unanswered_by == {"reply-timeout": 5}


def test_closing_leaves_what_is_in_flight_unanswered():
    def play(stage: Stage) -> Session:
        yield Connect()
        yield Send(b"hello")
        yield Close()
        yield Close()
        yield Connect()
        return stage.connection.reconnect

    with staged("silent", play) as stage:
        assert stage.played().result is False
        assert stage.recorder.unanswered_by == {"client": 1}
        assert (stage.recorder.failures, stage.recorder.closed) == (0, 2)


def test_without_a_connection_nothing_can_be_asked():
    def play(stage: Stage) -> Session:
        refused = 0
        for step in (Request(b"x"), Request(b"x", inflight=2), Send(b"x"), Receive()):
            try:
                yield step
            except Closed:
                refused += 1
        return refused

    with staged("echo", play) as stage:
        assert stage.played().result == 4
        assert (stage.recorder.sent, stage.recorder.failures) == (0, 0)


def test_what_never_heard_from_the_server_is_unproven():
    def play(stage: Stage) -> Session:
        yield Connect()
        yield Close()
        yield Connect()
        yield stage.ask()

    with staged("echo", play) as stage:
        stage.played()
        assert stage.recorder.unproven == 1


@pytest.mark.parametrize(
    "use",
    [
        lambda exchange: exchange.in_flight.append(InFlight("a", 1.0, 1.0, None, None)),
        lambda exchange: exchange._kept.append(b"reply"),
        lambda exchange: exchange._received.feed(b"whole\n", 1.0, False),
        lambda exchange: exchange._received.feed(b"part", 1.0, False),
        lambda exchange: setattr(exchange._assembly, "partial", b"x"),
        lambda exchange: setattr(exchange, "_unsent", memoryview(b"x")),
        lambda exchange: setattr(exchange, "receiving", Receiving("a", None, 1.0, 2.0)),
    ],
)
def test_an_exchange_is_unused_while_it_holds_nothing(use: Callable[[Exchange], None]):
    with theatre() as engine:
        config = config_for(engine, SimpleNamespace(listener=None), Target("a", 1))
        made = Exchange(SimpleNamespace(config=config), None, ())
        assert made.is_unused
        use(made)
        assert not made.is_unused
