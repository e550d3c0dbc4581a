"""Sessions of real users on a local runner, against real servers. tests/rawsocket/engine tests connections alone."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import contextlib
import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from locust.exception import StopUser

from rawsocket import (
    Close,
    Connect,
    Due,
    LabSession,
    Line,
    Receive,
    Request,
    Send,
    Session,
    SessionUser,
    Wait,
    target,
)
from rawsocket.engine.connect import resolver
from rawsocket.engine.process import engine
from rawsocket.errors import Closed, RawSocketError, Refused
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.session_user import arrivals
from tests.support import echo
from tests.support.running import LONG, Run, wait_until

pytestmark = pytest.mark.usefixtures("fresh_recorder")

OPTIONS: dict[str, Any] = {
    "every": 0.05, "size": 20, "app": "echo", "framing": "line", "pace": "open", "arrivals": "even",
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[str]:
    with echo.running("echo") as (host, port):
        yield f"tcp://{host}:{port}"


def start(user_class: type[Any], url: str, users: int = 3, **options: Any) -> Run:
    return Run(user_class, url, users, **(OPTIONS | options))


class Talker(LabSession):
    def session(self) -> Session:
        yield Connect()
        while True:
            yield self.pause()
            yield self.message()


class Silent(LabSession):
    def session(self) -> Session:
        yield Connect()
        yield Wait(LONG * 10)


@pytest.mark.parametrize("pace", ["open", "closed"])
def test_locust_and_the_recorder_count_the_same(server: str, pace: str):
    run = start(Talker, server, pace=pace)
    wait_until(lambda: run.row("message") >= 12 and RECORDER.held == 3)
    assert run.runner.user_count == 3
    run.stop()
    assert run.errors == []
    assert RECORDER.failures == 0
    assert (RECORDER.attempted, RECORDER.closed) == (3, 3)
    entry = run.environment.stats.get("message", "TCP")
    assert 0 < entry.min_response_time <= entry.avg_response_time <= entry.max_response_time
    assert entry.total_content_length == 20 * RECORDER.answered


@pytest.mark.parametrize("stop_timeout", [0, LONG * 10])
def test_stop_is_instant_while_users_wait(server: str, stop_timeout: float):
    run = start(Silent, server, stop_timeout=stop_timeout)
    wait_until(lambda: RECORDER.held == 3)
    run.stop()
    assert (RECORDER.closed, RECORDER.unanswered) == (3, 0)


def test_stop_timeout_lets_users_get_their_last_reply():
    class Patient(LabSession):
        def session(self) -> Session:
            yield Connect()
            while True:
                yield self.message()

    with echo.running("pieces") as (host, port):
        run = start(Patient, f"tcp://{host}:{port}", stop_timeout=LONG * 10)
        wait_until(lambda: RECORDER.answered > 30)
        run.stop()
    assert RECORDER.unanswered == 0


def test_stop_without_a_timeout_leaves_messages_unanswered():
    class Asks(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()

    with echo.running("silent") as (host, port):
        run = start(Asks, f"tcp://{host}:{port}")
        wait_until(lambda: RECORDER.sent == 3)
        run.stop()
    assert RECORDER.unanswered_by == {"client": 3}
    assert (RECORDER.failures, RECORDER.closed) == (0, 3)


def test_expired_stop_timeout_ends_all_users():
    class Asks(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()

    with echo.running("silent") as (host, port):
        run = start(Asks, f"tcp://{host}:{port}", stop_timeout=0.2)
        wait_until(lambda: RECORDER.sent == 3)
        run.stop()
    assert RECORDER.unanswered_by == {"client": 3}


def test_stop_ends_users_that_have_not_started(server: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(arrivals(), "_end", time.perf_counter() + LONG)
    run = start(Talker, server)
    wait_until(lambda: run.runner.user_count == 3)
    run.stop()
    assert RECORDER.attempted == 0


def test_each_kind_of_step_raises_a_loss():
    raised: list[tuple[str, str]] = []

    class Notices(SessionUser):
        step: Any = None
        framing = Line()

        def session(self) -> Session:
            yield Connect()
            try:
                yield self.step
            except RawSocketError as failure:
                raised.append((type(self.step).__name__, failure.name))
            yield Wait(LONG * 10)

    with echo.running("close_at_once") as (host, port):
        for step in (Wait(LONG), Due(LONG * 100), Receive(timeout=LONG), Request(b"hello")):
            Notices.step = step
            run = start(Notices, f"tcp://{host}:{port}", users=1)
            wait_until(lambda step=step: raised and raised[-1][0] == type(step).__name__)
            assert raised[-1][1] in ("closed", "reset")
            run.stop()
            RECORDER.begin_run()


def test_named_failure_ends_the_session_and_another_starts_after_a_backoff():
    class Asks(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()

    with echo.running("close_when_spoken_to") as (host, port):
        run = start(Asks, f"tcp://{host}:{port}", users=2)
        wait_until(lambda: run.row("connect") == 2 and run.row("reconnect") >= 6)
        run.stop()
    assert run.fails("message") == {"closed": run.row("message")}
    assert run.row("connect") == 2
    assert RECORDER.reconnects == run.row("reconnect")
    assert RECORDER.sessions_begun >= 6
    assert run.errors == []


def test_new_session_starts_when_one_returns(server: str):
    class Short(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()

    run = start(Short, server, users=1)
    wait_until(lambda: RECORDER.sessions_ended >= 5)
    run.stop()
    assert RECORDER.failures == 0
    assert set(BATCH) == {"connect", "message"}
    assert RECORDER.connected == RECORDER.closed == run.row("connect")


def test_an_empty_session_does_not_hang_the_process(server: str):
    class Nothing(SessionUser):
        def session(self) -> Session:
            return
            yield

    run = start(Nothing, server, users=1)
    wait_until(lambda: RECORDER.sessions_ended >= 5)
    run.stop()


def test_session_that_never_waits_does_not_starve_others():
    class NeverWaits(SessionUser):
        def session(self) -> Session:
            while True:
                with contextlib.suppress(Refused):
                    yield Connect()
                yield Close()

    run = start(NeverWaits, "tcp://127.0.0.1:1", users=2)
    wait_until(lambda: RECORDER.attempted > 300)
    run.stop()
    assert RECORDER.failed == {"refused": RECORDER.attempted}


def test_stop_user_ends_the_user(server: str):
    class Leaves(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()
            raise StopUser

    run = start(Leaves, server)
    wait_until(lambda: RECORDER.answered == 3 and run.runner.user_count == 0)
    run.stop()
    assert run.errors == []
    assert RECORDER.closed == 3


def test_other_exceptions_go_to_locust_and_the_next_session_starts(server: str):
    class Breaks(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()
            raise LookupError("mine")

    run = start(Breaks, server, users=1)
    wait_until(lambda: len(run.errors) >= 2)
    run.stop()
    assert {type(error) for error in run.errors} == {LookupError}


@pytest.mark.parametrize("step", [None, 5, "hello", gevent.sleep])
def test_value_that_is_not_a_step_raises_type_error(server: str, step: Any):
    class YieldsNoStep(SessionUser):
        def session(self) -> Session:
            yield step

    run = start(YieldsNoStep, server, users=1)
    wait_until(lambda: run.errors)
    run.stop()
    assert isinstance(run.errors[0], TypeError)
    assert "a session yields steps" in str(run.errors[0])


def test_blocking_call_in_a_session_is_an_error(server: str):
    class Blocks(SessionUser):
        def session(self) -> Session:
            gevent.sleep(0.1)
            yield Connect()

    run = start(Blocks, server, users=1)
    wait_until(lambda: run.errors)
    run.stop()


def test_session_can_delegate_and_its_finally_blocks_run(server: str):
    said: list[str] = []

    class Nested(LabSession):
        def exchange(self) -> Session:
            reply = yield self.message()
            return len(reply)

        def session(self) -> Session:
            yield Connect()
            try:
                assert (yield from self.exchange()) == 20
                yield Wait(LONG * 10)
            finally:
                said.append("bye")

    run = start(Nested, server)
    wait_until(lambda: RECORDER.answered == 3)
    run.stop()
    assert said == ["bye"] * 3
    assert run.errors == []


def test_session_can_stop_its_own_user(server: str):
    class Quits(LabSession):
        def session(self) -> Session:
            yield Connect()
            self.stop(force=True)
            yield Wait(LONG)

    run = start(Quits, server)
    wait_until(lambda: RECORDER.closed == 3)
    assert run.runner.user_count == 0
    run.stop()
    assert run.errors == []


def test_user_count_can_fall_and_rise(server: str):
    run = start(Talker, server, users=8)
    wait_until(lambda: RECORDER.held == 8)
    run.runner.start(3, spawn_rate=100)
    wait_until(lambda: RECORDER.held == 3 and run.runner.user_count == 3)
    run.runner.start(6, spawn_rate=100)
    wait_until(lambda: RECORDER.held == 6 and run.runner.user_count == 6)
    run.stop()
    assert RECORDER.failures == 0
    assert RECORDER.closed == 11


def test_unknown_name_is_refused_until_it_resolves(server: str, monkeypatch: pytest.MonkeyPatch):

    port = int(server.rpartition(":")[2])
    monkeypatch.setattr(resolver, "_ask", lambda _: OSError(1, "no such name"))
    run = start(Talker, f"tcp://nowhere.invalid:{port}", users=1)
    wait_until(lambda: RECORDER.failed.get("refused", 0) >= 2)
    names = engine().connector.resolver
    known = names._numeric(target.Target("127.0.0.1", port))
    assert known is not None
    names._answers[target.Target("nowhere.invalid", port)] = known
    wait_until(lambda: RECORDER.answered >= 1)
    run.stop()
    del names._answers[target.Target("nowhere.invalid", port)]


def test_ipv6():
    with echo.running("echo", host="::1") as (_, port):
        run = start(Talker, f"tcp://[::1]:{port}")
        wait_until(lambda: RECORDER.answered >= 3)
        run.stop()
    assert RECORDER.failures == 0


def test_foreign_listener_gets_every_event(server: str):
    heard: list[dict[str, Any]] = []

    class Twice(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()
            yield Close()
            with contextlib.suppress(Closed):
                yield self.message()
            raise StopUser

        def context(self) -> dict[str, Any]:
            return {"mine": True}

    run = start(Twice, server, listener=lambda **event: heard.append(event))
    wait_until(lambda: len(heard) == 6)
    run.stop()
    assert sorted(event["name"] for event in heard) == ["connect"] * 3 + ["message"] * 3
    assert all(event["response_time"] > 0 and event["context"] == {"mine": True} for event in heard)
    assert [event["response_length"] for event in heard if event["name"] == "message"] == [20] * 3


def test_hub_keeps_turning_at_full_load(server: str):
    class ClosedLoop(LabSession):
        def session(self) -> Session:
            yield Connect()
            while True:
                yield self.message()

    run = start(ClosedLoop, server, users=50)
    wait_until(lambda: RECORDER.held == 50)
    turns, until = 0, RECORDER.answered + 3000
    while RECORDER.answered < until:
        gevent.sleep(0)
        turns += 1
    run.stop()
    assert turns > 10


def test_send_and_receive_keep_replies_in_order(server: str):
    replies: list[bytes] = []

    class Pairs(SessionUser):
        framing = Line()

        def session(self) -> Session:
            yield Connect()
            for number in range(5):
                yield Send(b"%d" % number, expect=b"%d" % number)
            for _ in range(5):
                replies.append((yield Receive()))
            raise StopUser

    run = start(Pairs, server, users=1)
    wait_until(lambda: len(replies) == 5)
    run.stop()
    assert replies == [b"0", b"1", b"2", b"3", b"4"]
    assert RECORDER.answered == 5


def test_users_add_no_greenlet_and_no_thread(server: str):
    def greenlets() -> int:
        gc.unfreeze()
        gc.collect()
        return sum(isinstance(one, gevent.Greenlet) for one in gc.get_objects())

    threads, before = threading.active_count(), greenlets()
    run = start(Talker, server, users=20)
    wait_until(lambda: RECORDER.held == 20)
    after = greenlets()
    run.stop()
    assert after - before < 10
    assert threading.active_count() == threads


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
    assert error.where.endswith(f"test_session_user.py:{line} in session()")
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
    assert "test_session_user.py:" in error.where
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
    wait_until(lambda: RECORDER.held == 2)
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
