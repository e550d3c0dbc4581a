"""What only a session can express: slots beside messages, pipelines by key, calls in a greenlet."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import threading
import time
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from rawsocket.users.steps import Call, Connect, Due, Receive, Request, Send, Wait
from tests.support.facades import Facade, run_session

pytestmark = pytest.mark.usefixtures("long_timeouts")

Script = Generator[Any, Any, Any]
session = Facade(run_session)


def lines(sock: Any) -> Any:
    return (line.rstrip(b"\n") for line in sock.makefile("rb"))


def echo(sock: Any) -> None:
    for line in lines(sock):
        sock.sendall(line + b"\n")


def test_receive_until_a_slot_returns_a_message_or_none_whichever_comes_first():
    def server(sock: Any) -> None:
        for line in lines(sock):
            sock.sendall(b"push\n" + line + b"\n")

    def script() -> Script:
        yield Connect()
        got: list[bytes | None] = []
        while len(got) < 6:
            message = yield Receive(until=Due(0.1))
            got.append(message)
            if message is None:
                yield Request(b"own", "own", b"own")
        return got

    outcome = session(server, script, handlers=SimpleNamespace(is_push=lambda message: message == b"push"))
    assert outcome.raised is None
    assert outcome.result == [None, b"push", None, b"push", None, b"push"]
    assert outcome.count("own") == 3
    # The due time is the slot; a reply takes far less than the wait for the slot.
    assert max(outcome.seconds["own"]) < 0.09


def test_slot_that_has_passed_comes_before_a_message_that_waits():
    def script() -> Script:
        yield Connect()
        yield Due(0.05)
        yield Wait(0.12)
        return (yield Receive(until=Due(0.05)))

    outcome = session(lambda sock: (sock.sendall(b"push\n"), sock.recv(1)), script, accepts_pushes=True)
    assert (outcome.raised, outcome.result) == (None, None)


def test_loss_during_a_receive_until_a_slot_is_raised():
    def script() -> Script:
        yield Connect()
        yield Receive(until=Due(20))

    outcome = session(lambda sock: sock.close(), script, accepts_pushes=True)
    assert str(outcome.raised) == "closed"


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
    outcome = session(server, script, handlers=keys)
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
    outcome = session(server, script, handlers=keys)
    assert (outcome.raised, outcome.result, outcome.recorder.answered) == (None, b"2", 2)


@pytest.mark.parametrize("thread", [False, True])
def test_call_returns_the_result_and_blocks_nobody(thread: bool):
    def blocking(seconds: float) -> str:
        time.sleep(seconds)  # patched by gevent, so it lets others run in a greenlet; in a thread it blocks the thread
        return threading.current_thread().name

    ticks: list[float] = []

    def tick() -> None:
        while True:
            gevent.sleep(0.01)
            ticks.append(time.perf_counter())

    def script() -> Script:
        yield Connect()
        return (yield Call(blocking, 0.2, thread=thread))

    ticker = gevent.spawn(tick)
    try:
        outcome = session(echo, script)
    finally:
        ticker.kill()
    assert outcome.raised is None
    assert isinstance(outcome.result, str)
    assert len(ticks) >= 5


def test_exception_of_a_call_is_raised_in_the_session():
    def broken() -> None:
        raise LookupError("no token")

    def script() -> Script:
        yield Connect()
        try:
            yield Call(broken)
        except LookupError as error:
            return str(error)

    assert session(echo, script).result == "no token"


def test_loss_during_a_call_is_raised_and_its_result_is_dropped():
    def script() -> Script:
        yield Connect()
        try:
            yield Call(gevent.sleep, 20)
        except Exception as failure:
            return str(failure)

    assert session(lambda sock: sock.close(), script).result == "closed"
