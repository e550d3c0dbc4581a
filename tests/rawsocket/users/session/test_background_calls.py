"""Functions that a session calls in a greenlet or a thread."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import time
from collections.abc import Generator
from typing import Any

import gevent
import pytest

from rawsocket.users.steps import (
    Call,
    Connect,
)
from tests.support.facades import Facade, echo, run_session
from tests.support.local_run import LONG

pytestmark = pytest.mark.usefixtures("long_timeouts")

Script = Generator[Any, Any, Any]

run = Facade(run_session)


@pytest.mark.parametrize("thread", [False, True])
def test_call_returns_the_result_and_blocks_nobody(thread: bool):
    def blocking(wanted: int) -> int:
        """Wait until others have run meanwhile."""
        deadline = time.perf_counter() + LONG
        while len(ticks) < wanted and time.perf_counter() < deadline:
            time.sleep(0.001)  # patched by gevent: lets others run in a greenlet; in a thread it blocks the thread
        return len(ticks)

    ticks: list[float] = []

    def tick() -> None:
        while True:
            gevent.sleep(0.01)
            ticks.append(time.perf_counter())

    def script() -> Script:
        yield Connect()
        return (yield Call(blocking, 5, thread=thread))

    ticker = gevent.spawn(tick)
    try:
        outcome = run(echo, script)
    finally:
        ticker.kill()
    assert outcome.raised is None
    assert isinstance(outcome.result, int)
    assert outcome.result >= 5


def test_exception_of_a_call_is_raised_in_the_run():
    def broken() -> None:
        raise LookupError("no token")

    def script() -> Script:
        yield Connect()
        try:
            yield Call(broken)
        except LookupError as error:
            return str(error)

    assert run(echo, script).result == "no token"


def test_loss_during_a_call_is_raised_and_its_result_is_dropped():
    def script() -> Script:
        yield Connect()
        try:
            yield Call(gevent.sleep, 20)
        except Exception as failure:
            return str(failure)

    assert run(lambda sock: sock.close(), script).result == "closed"
