"""Heartbeats. Each test runs with both kinds of users."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import itertools
import sys
import time
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from rawsocket.engine.reactor import Reactor
from rawsocket.users.steps import (
    Connect,
    Heartbeat,
    Request,
    ShutdownWrite,
    Wait,
)
from tests.support.busy_machine import MachineTooBusy, retry_on_busy_machine
from tests.support.facades import BOTH, Facade, echo, lines, silent
from tests.support.local_run import LONG

pytestmark = [BOTH, pytest.mark.usefixtures("long_timeouts")]

Script = Generator[Any, Any, Any]


def until(happened: Callable[[], bool]) -> Script:
    """Wait, as a user does, until something has happened."""
    for _ in range(1000):
        if happened():
            return
        yield Wait(0.02)
    raise AssertionError("it never happened")


def test_heartbeat_runs_beside_what_the_user_does(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.02, b"ping", expect=expect, name="beat")
        yield from until(lambda: len(replies) >= 3)
        return (yield Request(b"a", expect=b"a"))

    replies: list[bytes] = []

    def expect(reply: bytes) -> bool:
        replies.append(reply)
        return reply == b"ping"

    outcome = facade(echo, script)
    assert outcome.result == b"a"
    assert outcome.count("beat") >= 3
    assert outcome.recorder.failures == 0


@retry_on_busy_machine
def test_idle_heartbeat_is_sent_only_after_silence(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.5, b"ping", reply=False, name="beat", idle=True)
        for _ in range(40):
            yield Request(b"a", expect=b"a")
            times.append(time.perf_counter())
            yield Wait(0.02)
        before = len(beats)
        times.append(time.perf_counter())
        yield from until(lambda: bool(beats))
        yield Wait(0.3)
        times.append(time.perf_counter())
        return before

    beats: list[bytes] = []
    times: list[float] = []

    def server(sock: Any) -> None:
        for line in lines(sock):
            if line == b"ping":
                beats.append(line)
            else:
                sock.sendall(line + b"\n")

    outcome = facade(server, script)
    *between, silence = [later - earlier for earlier, later in itertools.pairwise(times)]
    if (outcome.result, len(beats)) != (0, 1) and (max(between) > 0.4 or silence > 0.95):
        raise MachineTooBusy("it was silent for longer than the test wanted")
    assert (outcome.result, len(beats)) == (0, 1)


def test_heartbeat_without_a_reply_in_time_fails_the_connection(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.02, b"ping", expect=b"ping", name="beat")
        yield Wait(20)

    outcome = facade(silent, script, reply_timeout=0.2)
    assert str(outcome.raised) == "reply-timeout"
    assert ("beat", "reply-timeout") in outcome.events


def test_heartbeat_ends_with_the_shutdown_of_writing(facade: Facade, monkeypatch: pytest.MonkeyPatch):
    errors: list[Any] = []
    monkeypatch.setattr(Reactor, "_report", lambda reactor: errors.append(sys.exc_info()[1]))

    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.02, b"ping", expect=b"ping")
        yield Heartbeat(0.02, b"ping", reply=False, idle=True)
        yield ShutdownWrite()
        yield Wait(0.2)

    outcome = facade(lambda sock: gevent.sleep(LONG), script)
    assert (outcome.raised, outcome.recorder.failures, errors) == (None, 0, [])


def test_heartbeat_that_can_not_be_sent_is_a_fault_of_the_scenario(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.02, b"ping")
        yield Wait(20)

    one_key = SimpleNamespace(request_key=lambda payload: b"1", reply_key=lambda reply: b"1")
    outcome = facade(silent, script, handlers=one_key)
    assert "key b'1'" in str(outcome.raised)
    assert (outcome.recorder.failures, outcome.recorder.closed) == (0, 1)


def test_each_heartbeat_may_have_a_payload_of_its_own(facade: Facade):
    made: list[bytes] = []
    replies: list[bytes] = []

    def payload() -> bytes:
        made.append(b"beat %d" % len(made))
        return made[-1]

    def expect(reply: bytes) -> bool:
        """On a busy machine, the next one may have been sent before this reply came."""
        replies.append(reply)
        return reply == made[len(replies) - 1]

    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.02, payload, expect=expect, name="beat")
        yield from until(lambda: len(replies) >= 3)

    outcome = facade(echo, script)
    assert outcome.count("beat") >= 3
    assert outcome.recorder.failures == 0


def test_payload_that_raises_is_an_error_of_the_scenario(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Heartbeat(0.02, lambda: b"%d" % {}, name="beat")  # type: ignore[str-bytes-safe]
        yield Wait(LONG)

    outcome = facade(echo, script)
    assert isinstance(outcome.raised, TypeError)
