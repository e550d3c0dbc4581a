"""A session's connection against well-behaved servers, and servers that misbehave in one named way each."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import math
import time
from collections.abc import Iterator

import pytest

from rawsocket.engine import accounting, deadlines
from rawsocket.engine.exchange import exchange
from rawsocket.errors import RawSocketError
from rawsocket.target import Target
from rawsocket.users.session.runner import Session
from rawsocket.users.steps import Connect, Receive, Request, Wait
from rawsocket.wire.framing import Chunk, Delimiter, Fixed, Framing, LengthPrefixed, Line
from tests.support import echo
from tests.support.local_run import LONG, wait_until
from tests.support.outcomes import BAD_ANSWERS, LOSSES, may_be
from tests.support.scripted_user import ScriptedUser, config_for, engine_under_test, scripted_user
from tests.support.simulation import SimulatedUser, Simulation

pytestmark = pytest.mark.usefixtures("long_timeouts")


def ask(user: ScriptedUser) -> Session:
    yield Connect()
    return (yield user.ask())


def wait(user: ScriptedUser) -> Session:
    yield Connect()
    yield Wait(LONG)


@pytest.mark.parametrize("framing", [Line(), Delimiter(b"\r\n"), Fixed(20), LengthPrefixed(2), Chunk()], ids=str)
@pytest.mark.parametrize("mode", ["echo", "pieces"])
def test_each_framing_finds_whole_and_split_replies(framing: Framing, mode: str):
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        for _ in range(3):
            yield user.ask()

    with scripted_user(mode, script, framing) as user:
        assert user.wait_for_end().raised is None
        assert user.outcomes == [("connect", "ok")] + [("message", "ok")] * 3
        assert (user.recorder.sent, user.recorder.answered, user.config.rows["message"].bytes) == (3, 3, 60)
        assert user.recorder.bytes_sent == user.recorder.bytes_received


def test_ipv6():
    with scripted_user("echo", ask, host="::1") as user:
        assert len(user.wait_for_end().result) == 20


def test_time_to_first_byte_is_recorded_separately(monkeypatch: pytest.MonkeyPatch):
    simulation = Simulation(monkeypatch)
    simulation.stalls = [(0.0, 1e9)]  # the server echoes nothing

    def script(user: SimulatedUser) -> Session:
        yield Connect()
        yield Request(b"abc", "message", b"abc")
        yield Wait(LONG)

    user = SimulatedUser(simulation, script)
    simulation.run(1001.0)
    [sock] = simulation.sockets
    sent_at = user.runner.connection._flight[2]
    for at, data in ((1002.0, b"ab"), (1003.0, b"c\n")):
        simulation.now = at
        sock.arrive(data)
    [(_, sent, first)] = simulation.recorder.rows["message"].full
    assert (sent, first) == (1003.0 - sent_at, 1002.0 - sent_at)
    user.runner.end()


@pytest.mark.parametrize(("mode", "outcomes", "message"), BAD_ANSWERS)
def test_each_bad_answer_raises_its_named_failure(mode: str, outcomes: list[tuple[str, str]], message: str):
    with scripted_user(mode, ask) as user:
        user.wait_for_end()
        assert str(user.raised) == outcomes[-1][1]
        assert user.outcomes == outcomes
        assert getattr(user.recorder, message) == 1
        refused = outcomes[0][1] == "server-full"
        assert user.recorder.failed == ({"server-full": 1} if refused else {})
        assert user.recorder.dropped == ({} if refused else {outcomes[-1][1]: 1})


@pytest.mark.parametrize(("mode", "outcomes"), LOSSES)
def test_wait_raises_the_named_failure_of_a_loss(
    mode: str, outcomes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
):
    if mode == "push_part":
        monkeypatch.setattr(exchange, "GRACE", 0.05)
    with scripted_user(mode, wait) as user:
        assert str(user.wait_for_end().raised) == outcomes[-1][1]
        assert user.outcomes in may_be(mode, outcomes)


def test_quiet_connection_settles_by_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deadlines, "SETTLES_AFTER", 0.1)
    with scripted_user("silent", wait) as user:
        wait_until(lambda: user.outcomes == [("connect", "ok")])
        assert user.recorder.connected == 1
        user.check()
    assert accounting.SETTLES_AFTER == 0.25


@pytest.mark.parametrize("mode", ["silent", "part_then_silence"])
def test_incomplete_reply_fails_as_reply_timeout(mode: str):
    with scripted_user(mode, ask, reply_timeout=0.1) as user:
        assert str(user.wait_for_end().raised) == "reply-timeout"
        assert user.outcomes == [("connect", "ok"), ("message", "reply-timeout")]
        assert user.recorder.unanswered_by == {"reply-timeout": 1}
        assert user.recorder.cut == 0


def test_receive_returns_a_push():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        return (yield Receive(name="news", expect=b"nobody asked"))

    with scripted_user("push", script) as user:
        assert user.wait_for_end().result == b"nobody asked"
        assert user.outcomes == [("connect", "ok"), ("push", "ok"), ("news", "ok")]
        assert (user.recorder.pushed, user.recorder.answered) == (1, 0)


def test_connection_that_accepts_pushes_keeps_them():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        while not user.recorder.pushed:
            yield Wait(0.01)
        return (yield Receive())

    with scripted_user("push", script, accepts_pushes=True) as user:
        assert user.wait_for_end().result == b"nobody asked"
        assert user.recorder.failures == 0


def test_unexpected_push_is_wrong():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        yield Receive(name="news", expect=b"something else")

    with scripted_user("push", script) as user:
        assert str(user.wait_for_end().raised) == "wrong"
        assert user.outcomes == [("connect", "ok"), ("push", "ok"), ("news", "wrong")]


@pytest.mark.parametrize("timeout", [0.1, None])
def test_receive_without_data_fails_as_reply_timeout(timeout: float | None):
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        yield Receive(timeout=timeout, name="news")

    with scripted_user("silent", script, reply_timeout=LONG if timeout else 0.1) as user:
        assert str(user.wait_for_end().raised) == "reply-timeout"
        assert user.outcomes == [("connect", "ok"), ("news", "reply-timeout")]


def test_receive_with_an_infinite_timeout_waits_forever():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        yield Receive(timeout=math.inf)

    with scripted_user("silent", script, reply_timeout=0.05) as user:
        wait_until(lambda: user.recorder.arrivals == 1)
        until = time.perf_counter() + 0.3
        wait_until(lambda: time.perf_counter() > until)
        assert not user.over


def test_expect_callable_checks_a_reply():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        reply = yield Request(b"abc", expect=lambda got: got.startswith(b"a"))
        yield Request(b"abc", expect=lambda got: got.startswith(b"b"))
        return reply

    with scripted_user("echo", script) as user:
        assert str(user.wait_for_end().raised) == "wrong"
        assert user.recorder.answered == user.recorder.wrong == 1


def test_exception_in_an_expect_callable_reaches_the_session_and_is_no_failure_of_the_server():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        yield Request(b"abc", expect=lambda got: got.nonsense)

    with scripted_user("echo", script) as user:
        user.wait_for_end()
        assert isinstance(user.raised, AttributeError)
        assert (user.recorder.failures, user.recorder.wrong, user.recorder.closed) == (0, 0, 1)


def test_chunks_are_joined_up_to_the_expected_length():
    with scripted_user("pieces", ask, Chunk()) as user:
        assert len(user.wait_for_end().result) == 20


def test_session_can_reconnect_after_a_loss():
    def script(user: ScriptedUser) -> Session:
        yield Connect()
        try:
            yield user.ask()
            yield Wait(LONG)
        except RawSocketError as failure:
            yield Connect()
            return failure.name

    with scripted_user("one_answer", script) as user:
        assert user.wait_for_end().result == "closed"
        assert user.outcomes == [("connect", "ok"), ("message", "ok"), ("drop", "closed"), ("reconnect", "ok")]


@pytest.fixture
def lab_server() -> Iterator[tuple[str, int]]:
    with echo.lab_server("--app", "echo", "--max-connections", "1") as address:
        yield address


def test_lab_server_answers_and_refuses(lab_server: tuple[str, int]):
    def held(user: ScriptedUser) -> Session:
        yield Connect()
        yield user.ask()
        yield Wait(LONG)

    with engine_under_test() as made:
        first, second = (
            ScriptedUser(lambda events: config_for(made, events, Target(*lab_server)), script)
            for script in (held, wait)
        )
        wait_until(lambda: first.recorder.answered == 1 and second.over)
        assert second.outcomes == [("connect", "server-full")]
        first.runner.end()
