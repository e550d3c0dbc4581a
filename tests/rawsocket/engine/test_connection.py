"""A session's connection against servers that behave, and that misbehave in one named way each."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import math
import time
from collections.abc import Iterator

import pytest

from rawsocket.engine import accounting, deadlines, exchange
from rawsocket.errors import RawSocketError
from rawsocket.target import Target
from rawsocket.users.session_runner import Session
from rawsocket.users.steps import Connect, Receive, Request, Wait
from rawsocket.wire.framing import Chunk, Delimiter, Fixed, Framing, LengthPrefixed, Line
from tests.support import echo
from tests.support.outcomes import BAD_ANSWERS, LOSSES
from tests.support.running import LONG, wait_until
from tests.support.stage import Stage, config_for, staged, theatre
from tests.support.world import Played, World


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No outcome may depend on how fast this machine is; tests that are about these times set them."""
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", LONG)
    monkeypatch.setattr(exchange, "GRACE", LONG)


def ask(stage: Stage) -> Session:
    yield Connect()
    return (yield stage.ask())


def wait(stage: Stage) -> Session:
    yield Connect()
    yield Wait(LONG)


@pytest.mark.parametrize("framing", [Line(), Delimiter(b"\r\n"), Fixed(20), LengthPrefixed(2), Chunk()], ids=str)
@pytest.mark.parametrize("mode", ["echo", "pieces"])
def test_each_framing_finds_its_replies_whole_or_in_pieces(framing: Framing, mode: str):
    def play(stage: Stage) -> Session:
        yield Connect()
        for _ in range(3):
            yield stage.ask()

    with staged(mode, play, framing) as stage:
        assert stage.played().raised is None
        assert stage.outcomes == [("connect", "ok")] + [("message", "ok")] * 3
        assert (stage.recorder.sent, stage.recorder.answered, stage.config.rows["message"].bytes) == (3, 3, 60)
        assert stage.recorder.bytes_sent == stage.recorder.bytes_received


def test_ipv6():
    with staged("echo", ask, host="::1") as stage:
        assert len(stage.played().result) == 20


def test_the_time_to_the_first_byte_is_kept_apart(monkeypatch: pytest.MonkeyPatch):
    world = World(monkeypatch)
    world.stalls = [(0.0, 1e9)]  # nothing is echoed

    def play(user: Played) -> Session:
        yield Connect()
        yield Request(b"abc", "message", b"abc")
        yield Wait(LONG)

    user = Played(world, play)
    world.run(1001.0)
    [sock] = world.sockets
    sent_at = user.runner.connection._flight[2]
    for at, data in ((1002.0, b"ab"), (1003.0, b"c\n")):
        world.now = at
        sock.arrive(data)
    [(_, sent, first)] = world.recorder.rows["message"].full
    assert (sent, first) == (1003.0 - sent_at, 1002.0 - sent_at)
    user.runner.end()


@pytest.mark.parametrize(("mode", "outcomes", "message"), BAD_ANSWERS)
def test_each_bad_answer_has_its_name(mode: str, outcomes: list[tuple[str, str]], message: str):
    with staged(mode, ask) as stage:
        stage.played()
        assert str(stage.raised) == outcomes[-1][1]
        assert stage.outcomes == outcomes
        assert getattr(stage.recorder, message) == 1
        refused = outcomes[0][1] == "server-full"
        assert stage.recorder.failed == ({"server-full": 1} if refused else {})
        assert stage.recorder.dropped == ({} if refused else {outcomes[-1][1]: 1})


@pytest.mark.parametrize(("mode", "outcomes"), LOSSES)
def test_while_it_waits_the_socket_is_watched(
    mode: str, outcomes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
):
    if mode == "push_part":
        monkeypatch.setattr(exchange, "GRACE", 0.05)
    with staged(mode, wait) as stage:
        assert str(stage.played().raised) == outcomes[-1][1]
        assert stage.outcomes == outcomes


def test_a_quiet_connection_settles_by_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", 0.1)
    with staged("silent", wait) as stage:
        wait_until(lambda: stage.outcomes == [("connect", "ok")])
        assert stage.recorder.connected == 1
        stage.check()
    assert accounting.SETTLES_AFTER == 0.25


@pytest.mark.parametrize("mode", ["silent", "part_then_silence"])
def test_a_reply_that_is_not_whole_in_time_is_reply_timeout(mode: str):
    with staged(mode, ask, reply_timeout=0.1) as stage:
        assert str(stage.played().raised) == "reply-timeout"
        assert stage.outcomes == [("connect", "ok"), ("message", "reply-timeout")]
        assert stage.recorder.unanswered_by == {"reply-timeout": 1}
        assert stage.recorder.cut == 0


def test_what_a_server_sends_by_itself_can_be_received():
    def play(stage: Stage) -> Session:
        yield Connect()
        return (yield Receive(name="news", expect=b"nobody asked"))

    with staged("push", play) as stage:
        assert stage.played().result == b"nobody asked"
        assert stage.outcomes == [("connect", "ok"), ("news", "ok")]
        assert (stage.recorder.pushed, stage.recorder.answered) == (1, 0)


def test_pushes_are_kept_where_they_are_expected():
    def play(stage: Stage) -> Session:
        yield Connect()
        while not stage.recorder.pushed:
            yield Wait(0.01)
        return (yield Receive())

    with staged("push", play, accepts_pushes=True) as stage:
        assert stage.played().result == b"nobody asked"
        assert stage.recorder.failures == 0


def test_a_push_that_is_not_the_expected_one_is_wrong():
    def play(stage: Stage) -> Session:
        yield Connect()
        yield Receive(name="news", expect=b"something else")

    with staged("push", play) as stage:
        assert str(stage.played().raised) == "wrong"
        assert stage.outcomes == [("connect", "ok"), ("news", "wrong")]


@pytest.mark.parametrize("timeout", [0.1, None])
def test_a_receive_that_brings_nothing_is_reply_timeout(timeout: float | None):
    def play(stage: Stage) -> Session:
        yield Connect()
        yield Receive(timeout=timeout, name="news")

    with staged("silent", play, reply_timeout=LONG if timeout else 0.1) as stage:
        assert str(stage.played().raised) == "reply-timeout"
        assert stage.outcomes == [("connect", "ok"), ("news", "reply-timeout")]


def test_a_receive_may_wait_for_ever():
    def play(stage: Stage) -> Session:
        yield Connect()
        yield Receive(timeout=math.inf)

    with staged("silent", play, reply_timeout=0.05) as stage:
        wait_until(lambda: stage.recorder.held == 1)
        until = time.perf_counter() + 0.3
        wait_until(lambda: time.perf_counter() > until)
        assert not stage.over


def test_a_callable_may_judge_a_reply():
    def play(stage: Stage) -> Session:
        yield Connect()
        reply = yield Request(b"abc", expect=lambda got: got.startswith(b"a"))
        yield Request(b"abc", expect=lambda got: got.startswith(b"b"))
        return reply

    with staged("echo", play) as stage:
        assert str(stage.played().raised) == "wrong"
        assert stage.recorder.answered == stage.recorder.wrong == 1


def test_a_callable_that_fails_is_the_sessions_own_mistake():
    def play(stage: Stage) -> Session:
        yield Connect()
        yield Request(b"abc", expect=lambda got: got.nonsense)

    with staged("echo", play) as stage:
        stage.played()
        assert isinstance(stage.raised, AttributeError)
        assert stage.recorder.wrong == 1
        assert stage.recorder.dropped == {"wrong": 1}


def test_chunks_are_gathered_until_the_expected_length():
    with staged("pieces", ask, Chunk()) as stage:
        assert len(stage.played().result) == 20


def test_a_lost_connection_can_be_replaced_by_the_session_itself():
    def play(stage: Stage) -> Session:
        yield Connect()
        try:
            yield stage.ask()
            yield Wait(LONG)
        except RawSocketError as failure:
            yield Connect()
            return failure.name

    with staged("one_answer", play) as stage:
        assert stage.played().result == "closed"
        assert stage.outcomes == [("connect", "ok"), ("message", "ok"), ("drop", "closed"), ("reconnect", "ok")]


@pytest.fixture
def lab_server() -> Iterator[tuple[str, int]]:
    with echo.lab_server("--app", "echo", "--max-connections", "1") as address:
        yield address


def test_the_labs_own_server_answers_and_refuses(lab_server: tuple[str, int]):
    def held(stage: Stage) -> Session:
        yield Connect()
        yield stage.ask()
        yield Wait(LONG)

    with theatre() as made:
        first, second = (
            Stage(lambda events: config_for(made, events, Target(*lab_server)), play) for play in (held, wait)
        )
        wait_until(lambda: first.recorder.answered == 1 and second.over)
        assert second.outcomes == [("connect", "server-full")]
        first.runner.end()
