"""One round of a Python session on the real engine, against a small server, and everything that may fail."""

import math
import socket
from typing import Any

import gevent
import pytest

from rawsocket import (
    Close,
    Connect,
    Delimiter,
    Due,
    Heartbeat,
    LengthPrefixed,
    Line,
    Receive,
    Request,
    Send,
    SendRaw,
    SessionUser,
    SetFraming,
    Wait,
)
from rawsocket.check import player, round
from rawsocket.check.dialogue import CLOSED, FRAME, MISTAKE, NOTE, PART, REST, SENT, SERVER, UNREACHABLE
from rawsocket.engine.engine import engine
from rawsocket.measurement.recorder import RECORDER
from tests.support.checks import Serve, answering, checked, environment, parts, serving

REDIS = answering({b"SET a\n": b"+OK\n", b"PING\n": b"+PONG\n", b"QUIT\n": b"+BYE\n"})


def _user(*steps: Any, **members: Any) -> type[SessionUser]:
    """A class whose session yields these steps."""

    def session(self: Any) -> Any:
        yield from (step for step in steps)

    return type("Mine", (SessionUser,), {"framing": Line(), "session": session, **members})


def _sent(user_class: type[SessionUser], serve: Serve = REDIS) -> list[bytes]:
    dialogue = checked(user_class, serve)
    assert dialogue.failure is None
    return parts(dialogue, SENT)


class Talking(SessionUser):
    """Connect, a heartbeat, messages on a grid, and a goodbye."""

    framing = Line()

    def session(self) -> Any:
        yield Connect()
        yield Heartbeat(30, b"PING", b"+PONG")
        while True:
            yield Due(10)
            yield Request(b"SET a", "set", b"+OK")

    def goodbye(self) -> Any:
        yield Request(b"QUIT", "quit", b"+BYE")


def test_one_round_with_heartbeat_and_goodbye() -> None:
    before = RECORDER.attempted, RECORDER.sent, engine().reactor.handlers
    dialogue = checked(Talking, REDIS)
    assert (dialogue.exit_code, dialogue.scenario, dialogue.framing) == (0, "mine", "line")
    assert parts(dialogue, PART) == ["connect", "request `set`", "heartbeat", "goodbye", "request `quit`"]
    assert parts(dialogue, SENT, FRAME) == [b"SET a\n", b"+OK\n", b"PING\n", b"+PONG\n", b"QUIT\n", b"+BYE\n"]
    places = [entry.place for entry in dialogue.entries if entry.text == "request `set`"]
    assert places[0].startswith("tests/rawsocket/check/test_player.py:")
    assert before == (RECORDER.attempted, RECORDER.sent, engine().reactor.handlers)


def test_session_that_ends_with_its_visit() -> None:
    assert _sent(_user(Connect(), Request(b"PING", expect=b"+PONG"), Close())) == [b"PING\n"]


def test_loop_is_played_once_after_a_login() -> None:
    class Member(SessionUser):
        framing = Line()

        def session(self) -> Any:
            yield Connect()
            yield Request(b"PING")
            yield Wait(0.001)
            while True:
                yield Due(60)
                yield Request(b"SET a")

    assert _sent(Member) == [b"PING\n", b"SET a\n"]


def test_second_pause_at_a_line_ends_the_round_once_something_was_said() -> None:
    ping = Request(b"PING", expect=b"+PONG")
    for pause in (Due(60), Wait(60), Receive(until=Due(60)), Connect()):
        assert _sent(_user(Connect(), Due(60), ping, pause, ping)) == [b"PING\n"]


def test_wait_before_the_first_message_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round, "WAIT_S", 0.01)
    dialogue = checked(_user(Connect(), Wait(600), Request(b"PING")), REDIS)
    assert parts(dialogue, NOTE) == ["waits 0.01 s instead of 600 s"]
    assert parts(dialogue, SENT) == [b"PING\n"]


def test_session_without_a_pause_ends_after_some_messages() -> None:
    class Endless(Talking):
        def session(self) -> Any:
            yield Connect()
            while True:
                yield Request(b"PING")

    assert _sent(Endless) == [b"PING\n"] * round.EXCHANGES + [b"QUIT\n"]


def test_session_that_never_says_anything_ends_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    class Idle(SessionUser):
        framing = Line()

        def session(self) -> Any:
            yield Connect()
            while True:
                yield Due(1)

    monkeypatch.setattr(round, "STEPS", 20)
    assert parts(checked(Idle, REDIS), NOTE) == ["the round did not end within 20 steps"]


def test_receive_for_ever_need_not_get_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round, "RECEIVE_S", 0.05)
    subscriber = _user(
        Connect(), Request(b"PING"), Receive(timeout=math.inf), Request(b"PING"), accepts_pushes=True
    )  # fmt: skip
    assert _sent(subscriber) == [b"PING\n", b"PING\n"]


def test_replies_to_messages_sent_ahead_are_awaited() -> None:
    def late(peer: socket.socket) -> None:
        came = peer.recv(100)
        gevent.sleep(0.05)
        peer.sendall(came)
        peer.recv(100)  # until the check closes the connection

    dialogue = checked(_user(Connect(), Request(b"PING", inflight=4), Due(1)), late)
    assert (dialogue.failure, parts(dialogue, FRAME)) == (None, [b"PING\n"])


def test_change_of_the_framing_changes_the_cut() -> None:
    serve = answering({b"upgrade\n": b"yes\n", b"\0\2ab": b"\0\1c\0\0"})
    both = Request(b"ab", until=lambda frames: len(frames) > 1)
    session = _user(Connect(), Request(b"upgrade"), SetFraming(LengthPrefixed(2)), both)
    assert parts(checked(session, serve), FRAME) == [b"yes\n", b"\0\1c", b"\0\0"]


def test_session_may_end_its_user() -> None:
    from locust.exception import StopUser

    class Leaving(SessionUser):
        framing = Line()

        def session(self) -> Any:
            yield Connect()
            yield Request(b"PING")
            raise StopUser

    assert _sent(Leaving) == [b"PING\n"]


# -- failures ---------------------------------------------------------------------------------------------------------


def test_wrong_reply() -> None:
    dialogue = checked(_user(Connect(), Request(b"SET a", "set", b"-ERR")), REDIS)
    failure = dialogue.failure
    assert failure is not None
    assert (dialogue.exit_code, failure.why, failure.name, failure.step) == (3, SERVER, "wrong", "request `set`")
    assert (failure.expected, failure.arrived) == ('exactly "-ERR"', r'"+OK\n"')
    assert failure.place.startswith("tests/rawsocket/check/test_player.py:")


def test_framing_that_does_not_fit() -> None:
    crlf = answering({b"\0\4PING": b"+PONG\r\n"})
    dialogue = checked(_user(Connect(), Request(b"PING"), framing=LengthPrefixed(2), reply_timeout=0.1), crlf)
    assert dialogue.failure is not None
    assert (dialogue.failure.name, parts(dialogue, REST)) == ("reply-timeout", [b"+PONG\r\n"])
    assert dialogue.failure.hints[0].startswith("The framing {length: {size: 2}} does not fit: the length in 2b 50")
    assert dialogue.failure.hints[1].startswith(r'A framing that fits: {delimiter: "\r\n"}')


def test_server_that_closes_in_the_middle_of_a_reply() -> None:
    def serve(peer: socket.socket) -> None:
        peer.recv(100)
        peer.sendall(b"+PO")

    dialogue = checked(_user(Connect(), Request(b"PING", expect=b"+PONG")), serve)
    assert dialogue.failure is not None
    assert dialogue.failure.name == "closed"
    assert parts(dialogue, REST, CLOSED) == [b"+PO", "closed by the server"]


def test_push_that_was_not_taken_is_named() -> None:
    waiting = _user(Connect(), Request(b"PING"), Receive(), reply_timeout=0.1)
    failure = checked(waiting, REDIS).failure
    assert failure is not None
    assert failure.arrived == ""
    assert failure.hints == (r'Before this step "+PONG\n" arrived: a reply, or no push that the step takes.',)


def test_frame_that_no_message_asked_for_is_named() -> None:
    doubled = answering({b"A\n": b"one\none\n", b"B\n": b"two\n"})
    failure = checked(_user(Connect(), Request(b"A", expect=b"one"), Request(b"B", expect=b"two")), doubled).failure
    assert failure is not None
    assert failure.name == "wrong"
    assert failure.hints[0].startswith(r'Before this message was sent, "one\n" arrived: a further frame of the reply')


def test_failure_that_the_session_handles_is_none() -> None:
    class Patient(SessionUser):
        framing = Line()

        def session(self) -> Any:
            yield Connect()
            try:
                yield Request(b"SET a", expect=b"no")
            except Exception:
                return

    assert checked(Patient, REDIS).failure is None


def test_failure_of_the_goodbye() -> None:
    class Rude(Talking):
        def goodbye(self) -> Any:
            yield Request(b"QUIT", "quit", b"+OK")

    failure = checked(Rude, REDIS).failure
    assert failure is not None
    assert (failure.step, failure.name) == ("request `quit`", "wrong")


def test_failure_of_the_heartbeat() -> None:
    failure = checked(_user(Connect(), Heartbeat(9, b"PING", b"+OK"), Request(b"SET a")), REDIS).failure
    assert failure is not None
    assert (failure.step, failure.expected) == ("heartbeat", 'exactly "+OK"')


def test_heartbeat_whose_payload_is_made_when_it_is_sent() -> None:
    assert _sent(_user(Connect(), Heartbeat(9, lambda: b"PING"), Request(b"SET a"))) == [b"SET a\n", b"PING\n"]
    one_way = _user(Connect(), Heartbeat(9, b"beat", reply=False), Request(b"SET a"))
    assert _sent(one_way) == [b"SET a\n", b"beat\n"]


def test_nothing_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{bound.getsockname()[1]}"
        dialogue = player.check(Talking, environment(url, Talking), "mine")
    assert dialogue.failure is not None
    assert (dialogue.exit_code, dialogue.failure.why, dialogue.failure.name) == (2, UNREACHABLE, "refused")


def test_mistake_of_the_scenario_is_none_of_the_server() -> None:
    def session(self: Any) -> Any:
        yield Connect()
        raise KeyError("name")

    failure = checked(_user(session=session), REDIS).failure
    assert failure is not None
    assert (failure.why, failure.name, failure.detail) == (MISTAKE, "KeyError", "'name'")
    assert failure.place.endswith(" in session()")
    failure = checked(_user(Connect(), Request(b"a\nb")), REDIS).failure
    assert failure is not None
    assert failure.why == MISTAKE
    assert "own end mark" in failure.detail


def test_scenario_without_steps_is_a_mistake() -> None:
    failure = checked(_user(session=lambda self: None), REDIS).failure
    assert failure is not None
    assert (failure.why, failure.name) == (MISTAKE, "NotAGenerator")


def test_round_without_an_end_is_given_up() -> None:
    silent = _user(Connect(), SendRaw(b"x"), Send(b"PING"), Receive(timeout=60))
    with serving(answering({})) as url:
        dialogue = player.check(silent, environment(url, silent, timeout=0.05), "mine", limit_s=0.05)
    assert dialogue.failure is not None
    assert (dialogue.exit_code, dialogue.failure.name) == (2, "endless")


def test_delimiter_beside_a_line() -> None:
    failure = checked(_user(Connect(), Request(b"PING", expect=b"+PONG")), answering({b"PING\n": b"+PONG\r\n"})).failure
    assert failure is not None
    assert failure.hints[0].endswith(r'A framing without it: {delimiter: "\r\n"}')
    good = _user(Connect(), Request(b"PING", expect=b"+PONG"), framing=Delimiter(b"\r\n"))
    assert checked(good, answering({b"PING\r\n": b"+PONG\r\n"})).failure is None
