import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import _socket
import socket
import time
from typing import Any

import gevent
import pytest

from rawsocket.engine.connect import resolver as module
from rawsocket.engine.connect.os_errors import ConnectErrors
from rawsocket.engine.connect.resolver import Resolver
from rawsocket.errors import ConnectTimeout, Refused
from rawsocket.target import Target
from tests.support.local_run import LONG

TARGET = Target("server", 80)
ADDRESSES = [(socket.AF_INET, ("127.0.0.1", 80)), (socket.AF_INET, ("127.0.0.2", 80))]


class Answers:
    """Answers queries with addresses, and counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
        self.queries = 0
        self._answer = answer
        monkeypatch.setattr(module, "_ask", self._ask)

    def _ask(self, target: Target) -> Any:
        self.queries += 1
        gevent.sleep(0)
        return list(self._answer) if isinstance(self._answer, list) else self._answer


@pytest.fixture
def resolver() -> Resolver:
    return Resolver(ConnectErrors())


def deadline() -> float:
    return time.perf_counter() + LONG


def test_callers_at_the_same_time_share_one_query(resolver: Resolver, monkeypatch: pytest.MonkeyPatch):
    answers = Answers(monkeypatch, ADDRESSES)
    for each in [gevent.spawn(resolver.resolve, TARGET, deadline()) for _ in range(5)]:
        each.get(timeout=LONG)
    resolver.resolve(TARGET, deadline())
    assert resolver.addresses(TARGET) == ADDRESSES
    assert answers.queries == 1


def test_the_address_that_succeeded_comes_first(resolver: Resolver, monkeypatch: pytest.MonkeyPatch):
    Answers(monkeypatch, ADDRESSES)
    resolver.resolve(TARGET, deadline())
    resolver.succeeded(TARGET, ADDRESSES[1])
    assert resolver.addresses(TARGET) == ADDRESSES[::-1]


def test_an_old_answer_is_queried_again_after_a_failure(resolver: Resolver, monkeypatch: pytest.MonkeyPatch):
    answers = Answers(monkeypatch, ADDRESSES)
    resolver.resolve(TARGET, deadline())
    resolver.failed(TARGET)
    gevent.sleep(0.01)
    assert answers.queries == 1
    monkeypatch.setattr(module, "STALE_AFTER", 0.0)
    resolver.failed(TARGET)
    assert resolver.addresses(TARGET) == ADDRESSES  # the call does not wait for the new answer
    gevent.sleep(0.01)
    assert answers.queries == 2


def test_an_unknown_name_is_refused_logged_once_and_queried_again(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    answers = Answers(monkeypatch, _socket.gaierror(_socket.EAI_NONAME, "Name or service not known"))
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            resolver.resolve(TARGET, deadline())
    assert "can't be resolved" in caught.value.detail
    assert answers.queries == 2
    assert len(caplog.records) == 1


def test_unencodable_name_is_refused(resolver: Resolver):
    with pytest.raises(Refused):
        resolver.resolve(Target("a" * 64 + ".test", 1), deadline())


def test_slow_query_fails_as_connect_timeout(resolver: Resolver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_ask", lambda target: gevent.sleep(LONG))
    with pytest.raises(ConnectTimeout, match="connect-timeout"):
        resolver.resolve(TARGET, time.perf_counter() + 0.05)


def test_preparing_reports_no_failure(resolver: Resolver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_ask", lambda target: OSError("no network"))
    resolver.prepare(TARGET, LONG)
    assert resolver._answers == {}


def test_unresolved_name_is_refused_and_queried(resolver: Resolver, monkeypatch: pytest.MonkeyPatch):
    answers = Answers(monkeypatch, ADDRESSES)
    with pytest.raises(Refused) as caught:
        resolver.addresses(TARGET)
    assert "not resolved yet" in caught.value.detail
    resolver.resolve(TARGET, deadline())  # joins the query that is under way
    assert answers.queries == 1


def test_an_address_needs_no_query(resolver: Resolver, monkeypatch: pytest.MonkeyPatch):
    answers = Answers(monkeypatch, [])
    assert resolver.addresses(Target("127.0.0.1", 5)) == [(socket.AF_INET, ("127.0.0.1", 5))]
    assert resolver.addresses(Target("::1", 5)) == [(socket.AF_INET6, ("::1", 5, 0, 0))]
    assert answers.queries == 0
