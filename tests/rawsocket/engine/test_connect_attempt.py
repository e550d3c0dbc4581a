import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import socket
import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from rawsocket.engine import dial
from rawsocket.engine.connect_attempt import Attempt
from rawsocket.engine.reactor import Reactor
from rawsocket.errors import ConnectTimeout, RawSocketError, Refused
from rawsocket.target import Target
from tests.support.running import LONG, wait_until

CLOSED = 1  # a port where nobody listens


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    assert made.handlers == []
    made.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


class Ends:
    """What an attempt has come to."""

    def __init__(self, reactor: Reactor, target: Target, timeout: float = LONG) -> None:
        self.socks: list[Any] = []
        self.failures: list[RawSocketError] = []
        self.attempt = Attempt(reactor, target, timeout, self.socks.append, self.failures.append)

    def close(self, reactor: Reactor) -> None:
        for sock in self.socks:
            reactor.unwatch(sock.fileno())
            sock.close()


def test_it_gives_a_connected_socket(reactor: Reactor, listener: socket.socket):
    ends = Ends(reactor, Target(*listener.getsockname()))
    ends.attempt.begin()
    wait_until(lambda: ends.socks)
    [sock] = ends.socks
    assert sock.getpeername() == listener.getsockname()
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    ends.close(reactor)
    assert ends.failures == []


def test_a_refusal_is_told(reactor: Reactor):
    ends = Ends(reactor, Target("127.0.0.1", CLOSED))
    try:
        ends.attempt.begin()
        wait_until(lambda: ends.failures)
    except Refused as failure:  # the kernel may say so at once
        ends.failures.append(failure)
    assert [type(failure) for failure in ends.failures] == [Refused]


def test_the_next_address_is_tried_and_stands_first_from_then_on(reactor: Reactor, listener: socket.socket):
    host, port = listener.getsockname()
    target = Target("two.test", port)
    addresses = [(socket.AF_INET, ("127.0.0.1", CLOSED)), (socket.AF_INET, (host, port))]
    dial._resolved[target] = dial._Resolved(list(addresses), time.perf_counter())
    ends = Ends(reactor, target)
    ends.attempt.begin()
    wait_until(lambda: ends.socks)
    assert dial.known(target) == addresses[::-1]
    ends.close(reactor)
    del dial._resolved[target]


def test_a_timeout_is_told(reactor: Reactor, monkeypatch: pytest.MonkeyPatch, listener: socket.socket):
    monkeypatch.setattr(reactor, "watch", lambda *_: None)
    monkeypatch.setattr(reactor, "unwatch", lambda *_: None)
    ends = Ends(reactor, Target(*listener.getsockname()))
    ends.attempt.begin()
    ends.attempt.overdue(time.perf_counter())
    assert [type(failure) for failure in ends.failures] == [ConnectTimeout]


def test_what_was_given_up_is_told_to_nobody(reactor: Reactor, listener: socket.socket):
    ends = Ends(reactor, Target(*listener.getsockname()))
    ends.attempt.begin()
    ends.attempt.give_up()
    ends.attempt.give_up()
    gevent.sleep(0.05)  # in which it would have connected
    assert ends.socks == ends.failures == []


def test_a_name_that_is_not_known_yet_is_refused_and_asked_for(reactor: Reactor, monkeypatch: pytest.MonkeyPatch):
    asked: list[Target] = []
    monkeypatch.setattr(dial, "ask_again", asked.append)
    ends = Ends(reactor, Target("nowhere.invalid", 1))
    with pytest.raises(Refused) as caught:
        ends.attempt.begin()
    assert "not resolved yet" in caught.value.detail
    assert asked == [Target("nowhere.invalid", 1)]


def test_out_of_descriptors_is_refused_at_once(reactor: Reactor, monkeypatch: pytest.MonkeyPatch):
    def full(_: int) -> Any:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(dial, "open_socket", full)
    ends = Ends(reactor, Target("127.0.0.1", CLOSED))
    with pytest.raises(Refused) as caught:
        ends.attempt.begin()
    assert "Too many open files" in caught.value.detail
