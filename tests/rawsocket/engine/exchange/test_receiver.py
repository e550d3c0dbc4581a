"""Pushes, and waits for them. Each test runs with both kinds of users."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import time
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from rawsocket.errors import Wrong
from rawsocket.users.steps import (
    Connect,
    Receive,
    Request,
    ShutdownWrite,
    Wait,
)
from tests.support.facades import BOTH, Facade, Outcome, echo, lines, silent

pytestmark = [BOTH, pytest.mark.usefixtures("long_timeouts")]

Script = Generator[Any, Any, Any]


def pushes(**more: Any) -> SimpleNamespace:
    return SimpleNamespace(is_push=lambda message: message.startswith(b"push"), **more)


def test_push_between_a_request_and_its_reply_is_not_the_reply(facade: Facade):
    def server(sock: Any) -> None:
        for line in lines(sock):
            sock.sendall(b"push 1\n" + line + b"\npush 2\n")

    def script() -> Script:
        yield Connect()
        return [(yield Request(b"a", expect=b"a")), (yield Receive(expect=b"push 1")), (yield Receive())]

    outcome = facade(server, script, handlers=pushes())
    assert outcome.result == [b"a", b"push 1", b"push 2"]
    assert outcome.recorder.pushed == outcome.count("push") == 2
    assert outcome.recorder.answered == 1


def test_push_is_answered_at_once_whatever_the_user_does(facade: Facade):
    answered = gevent.event.Event()

    def server(sock: Any) -> None:
        sock.sendall(b"push ping\n")
        if next(lines(sock)) == b"pong":
            answered.set()

    def script() -> Script:
        yield Connect()
        while not answered.is_set():
            yield Wait(0.01)

    outcome = facade(server, script, handlers=pushes(on_push=lambda message: b"pong"))
    assert (outcome.count("push"), outcome.count("push-reply"), outcome.recorder.oneway) == (1, 1, 1)


def test_push_after_the_shutdown_of_writing_gets_no_answer(facade: Facade):
    def server(sock: Any) -> None:
        silent(sock)
        sock.sendall(b"push 1\n")

    def script() -> Script:
        yield Connect()
        yield ShutdownWrite()
        return (yield Receive())

    outcome = facade(server, script, handlers=pushes(on_push=lambda message: b"pong"))
    assert (outcome.result, outcome.recorder.failures, outcome.count("push-reply")) == (b"push 1", 0, 0)


@pytest.mark.parametrize(("answer", "error"), [(b"two\nlines", ValueError), ("text", TypeError)])
def test_answer_to_a_push_that_can_not_be_sent_is_a_fault_of_the_scenario(facade: Facade, answer: Any, error: type):
    def server(sock: Any) -> None:
        sock.sendall(b"push 1\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        yield Wait(20)

    outcome = facade(server, script, handlers=pushes(on_push=lambda message: answer))
    assert isinstance(outcome.raised, error)
    assert (outcome.recorder.failures, outcome.recorder.closed) == (0, 1)


def test_receive_with_the_name_of_the_row_of_pushes_counts_each_push_once(facade: Facade):
    def server(sock: Any) -> None:
        sock.sendall(b"push 1\npush 2\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        yield Receive(name="push")
        yield Receive(name="push", since=time.perf_counter())

    outcome = facade(server, script, handlers=pushes())
    assert outcome.recorder.rows["push"].requests == outcome.count("push") == 2


def test_push_that_came_before_its_receive_is_checked(facade: Facade):
    def server(sock: Any) -> None:
        sock.sendall(b"push 1\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        yield Wait(0.05)
        yield Receive(name="news", expect=b"something else")

    outcome = facade(server, script, handlers=pushes())
    assert isinstance(outcome.raised, Wrong)
    assert outcome.events[-2:] == [("push", "ok"), ("news", "wrong")]


def test_unread_pushes_are_bounded_and_never_a_failure(facade: Facade):
    outcome = Outcome()

    def script() -> Script:
        yield Connect()
        while outcome.recorder.pushed < 250:
            yield Wait(0.01)
        kept = 0
        while (yield Receive(timeout=0.05, required=False)) is not None:
            kept += 1
        return kept

    facade(lambda sock: (sock.sendall(b"push\n" * 250), silent(sock)), script, handlers=pushes(), outcome=outcome)
    assert outcome.raised is None
    assert (outcome.result, outcome.recorder.unread_pushes, outcome.recorder.failures) == (100, 150, 0)


def test_message_that_is_no_push_is_wrong_while_nothing_is_in_flight(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Wait(5)

    outcome = facade(lambda sock: (sock.sendall(b"hello\n"), silent(sock)), script, handlers=pushes())
    assert isinstance(outcome.raised, Wrong)


def later(sock: Any) -> None:
    gevent.sleep(0.1)
    sock.sendall(b"push 1\n")
    silent(sock)


def test_wait_for_a_push_is_in_its_row_but_not_judged(facade: Facade):
    def script() -> Script:
        yield Connect()
        return (yield Receive(name="news"))

    outcome = facade(later, script, accepts_pushes=True)
    row = outcome.recorder.rows["news"]
    assert (outcome.result, row.requests, len(row.waits), row.full) == (b"push 1", 1, 1, [])
    assert row.waits[0] >= 0.05


def test_since_gives_a_push_a_latency(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Receive(name="news", since=lambda message: time.perf_counter() - 3)
        yield Wait(0)

    [(due, sent, first)] = facade(later, script, accepts_pushes=True).recorder.rows["news"].full
    assert 2 < due == sent == first <= 3


def test_time_of_a_push_that_came_earlier_is_not_negative(facade: Facade):
    outcome = Outcome()

    def script() -> Script:
        yield Connect()
        while not outcome.recorder.pushed:
            yield Wait(0.01)
        yield Receive(name="news")

    facade(later, script, outcome=outcome, accepts_pushes=True)
    assert outcome.recorder.rows["news"].waits == [0.0]


def test_optional_receive_returns_none_and_keeps_the_connection(facade: Facade):
    def script() -> Script:
        yield Connect()
        nothing = yield Receive(timeout=0.05, required=False)
        return [nothing, (yield Request(b"a", expect=b"a"))]

    outcome = facade(echo, script)
    assert outcome.result == [None, b"a"]
    assert outcome.recorder.failures == 0


def test_receive_takes_only_the_pushes_that_it_wants(facade: Facade):
    def server(sock: Any) -> None:
        sock.sendall(b"push a\npush b\n")
        silent(sock)

    def script() -> Script:
        yield Connect()
        return (yield Receive(only=lambda message: message == b"push b"))

    assert facade(server, script, handlers=pushes()).result == b"push b"
