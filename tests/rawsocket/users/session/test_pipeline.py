"""Pipelined requests of a session whose replies are matched by key."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from rawsocket.users.steps import (
    Answered,
    Close,
    Connect,
    Request,
    Send,
    Wait,
)
from tests.support.facades import Facade, lines, run_session

pytestmark = pytest.mark.usefixtures("long_timeouts")

Script = Generator[Any, Any, Any]

run = Facade(run_session)


def test_pipeline_by_key_has_the_right_latency_for_each_request():
    def server(sock: Any) -> None:
        reader = lines(sock)
        messages = [next(reader) for _ in range(3)]
        for message in reversed(messages):
            gevent.sleep(0.1)
            sock.sendall(message + b"\n")
        sock.sendall(next(reader) + b"\n")
        sock.recv(1)

    def script() -> Script:
        yield Connect()
        for key in (b"1", b"2", b"3"):
            yield Request(key, key.decode(), expect=key, inflight=4)
        return (yield Request(b"4", "4", expect=b"4"))

    keys = SimpleNamespace(request_key=lambda payload: payload, reply_key=lambda message: message)
    outcome = run(server, script, handlers=keys)
    assert (outcome.raised, outcome.result) == (None, b"4")
    assert [row for row, _ in outcome.events if row in "1234"][:3] == ["3", "2", "1"]


def test_request_waits_for_its_own_reply_even_if_others_come_later():
    def server(sock: Any) -> None:
        reader = lines(sock)
        first, second = next(reader), next(reader)
        sock.sendall(second + b"\n")
        next(reader)
        sock.sendall(first + b"\n")
        sock.recv(1)

    def script() -> Script:
        yield Connect()
        yield Request(b"1", inflight=5)
        reply = yield Request(b"2")
        yield Send(b"3", reply=False)
        yield Wait(0.05)
        return reply

    keys = SimpleNamespace(request_key=lambda payload: payload, reply_key=lambda message: message)
    outcome = run(server, script, handlers=keys)
    assert (outcome.raised, outcome.result, outcome.recorder.answered) == (None, b"2", 2)


def test_session_waits_until_all_pipelined_replies_have_come():
    def server(sock: Any) -> None:
        reader = lines(sock)
        messages = [next(reader) for _ in range(3)]
        for message in messages:
            gevent.sleep(0.02)
            sock.sendall(message + b"\n")
        sock.recv(1)

    def script() -> Script:
        yield Connect()
        yield Answered()  # there is none
        for key in (b"1", b"2", b"3"):
            yield Request(key, key.decode(), expect=key, inflight=4)
        yield Answered()
        yield Close()

    outcome = run(server, script)
    assert outcome.raised is None
    assert (outcome.recorder.answered, outcome.recorder.unanswered) == (3, 0)
