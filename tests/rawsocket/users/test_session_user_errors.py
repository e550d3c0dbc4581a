"""Exceptions in a session are errors of the scenario, counted and named."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import gc
from typing import Any

import pytest

from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.session.runner import Session
from rawsocket.users.session_user import SessionUser
from rawsocket.users.steps import Connect, Request, Send, Wait
from rawsocket.wire.framing import Line
from tests.support.local_run import LONG, wait_until
from tests.support.sessions import start

pytestmark = pytest.mark.usefixtures("fresh_recorder", "long_timeouts")


class Crashing(SessionUser):
    framing = Line()

    def session(self) -> Session:
        yield Connect()
        yield Request(b"hi", expect=b"hi")
        raise LookupError("token")


def test_exceptions_of_a_session_are_counted_and_logged_once(server: str, caplog: pytest.LogCaptureFixture):
    run = start(Crashing, server, users=2)
    wait_until(lambda: len(run.errors) >= 6)
    run.stop()
    [error] = RECORDER.scenario_errors.report()
    line = Crashing.session.__code__.co_firstlineno + 3
    assert (error.type, error.message, error.library) == ("LookupError", "token", False)
    assert error.where.endswith(f"test_session_user_errors.py:{line} in session()")
    assert error.count == len(run.errors)
    assert RECORDER.failures == 0
    assert caplog.text.count("Traceback") == 1


@pytest.mark.parametrize(
    ("step", "type_"),
    [
        (lambda: 5, "TypeError"),
        (lambda: Connect(), "RuntimeError"),
        (lambda: Request(b"two\nlines"), "ValueError"),
        (lambda: Request("text"), "TypeError"),
        (lambda: Request(b"x", inflight=0), "ValueError"),
        (lambda: Request(b"x", expect=lambda reply: reply.nonsense), "AttributeError"),
    ],
)
def test_misuse_of_a_step_is_an_error_of_the_scenario_at_its_yield(server: str, step: Any, type_: str):
    class Misusing(SessionUser):
        framing = Line()

        def session(self) -> Session:
            yield Connect()
            yield step()

    run = start(Misusing, server, users=1)
    wait_until(lambda: run.errors)
    run.stop()
    [error] = RECORDER.scenario_errors.report()
    assert error.type == type_
    assert "test_session_user_errors.py:" in error.where
    assert (RECORDER.failures, RECORDER.wrong) == (0, 0)


def test_session_that_never_connects_is_an_error_of_the_scenario(server: str):
    class Unconnected(SessionUser):
        framing = Line()

        def session(self) -> Session:
            yield Request(b"x")

    run = start(Unconnected, server, users=1)
    wait_until(lambda: len(run.errors) >= 2)
    run.stop()
    [error] = RECORDER.scenario_errors.report()
    assert error.message == "this step needs a connection: yield Connect() before it"
    assert error.count == len(run.errors)


def test_yield_in_a_finally_block_is_one_clear_error(server: str, capfd: pytest.CaptureFixture[str]):
    class LogsOut(SessionUser):
        framing = Line()

        def session(self) -> Session:
            yield Connect()
            try:
                yield Wait(LONG * 10)
            finally:
                yield Send(b"QUIT")

    run = start(LogsOut, server, users=2)
    wait_until(lambda: RECORDER.arrivals == 2)
    run.stop()
    [error] = RECORDER.scenario_errors.report()
    assert "put that step in goodbye()" in error.message
    assert (error.type, error.count) == ("RuntimeError", 2)
    assert error.where.endswith("in session()")
    gc.collect()
    assert "ignored" not in capfd.readouterr().err


def test_decoder_that_raises_is_an_error_of_the_scenario(server: str):
    class Broken(Line):
        def decoder(self) -> Any:
            decoder = super().decoder()

            class Failing:
                pending = 0

                def feed(self, data: bytes) -> list[bytes]:
                    raise LookupError(decoder)

            return Failing()

    class Decoding(SessionUser):
        framing = Broken()

        def session(self) -> Session:
            yield Connect()
            yield Request(b"x", expect=b"y")

    run = start(Decoding, server, users=1)
    wait_until(lambda: run.errors)
    run.stop()
    [error] = RECORDER.scenario_errors.report()
    assert (error.type, error.where.rpartition(" ")[2]) == ("LookupError", "feed()")
    assert (RECORDER.failures, RECORDER.wrong) == (0, 0)
