"""Sessions of real users on a local runner, against real servers. tests/rawsocket/engine tests connections alone."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import contextlib
from typing import Any

import gevent
import pytest
from locust.exception import StopUser

from rawsocket import Close, Connect, Due, LabSession, Line, Receive, Request, Send, Session, SessionUser, Wait, target
from rawsocket.engine.connect import resolver
from rawsocket.engine.engine import engine
from rawsocket.errors import Closed, RawSocketError, Refused
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from tests.support import echo
from tests.support.local_run import LONG, wait_until
from tests.support.sessions import Talker, start

pytestmark = pytest.mark.usefixtures("fresh_recorder")


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
