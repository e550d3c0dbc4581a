import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from rawsocket.engine.connect import attempt as module
from rawsocket.engine.connect import client_socket
from rawsocket.engine.reactor import Reactor
from rawsocket.engine.tls.configuration import Tls
from rawsocket.engine.tls.handshake import Handshake
from rawsocket.errors import ConnectTimeout, GeneratorLimit, Refused
from rawsocket.target import Target
from tests.support.connecting import CLOSED, RecordedAttempt
from tests.support.local_run import wait_until
from tests.support.sockets import full_backlog


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


def test_attempt_gives_a_connected_socket(reactor: Reactor, listener: socket.socket):
    recorded = RecordedAttempt(reactor, Target(*listener.getsockname()))
    recorded.attempt.begin()
    wait_until(lambda: recorded.socks)
    [sock] = recorded.socks
    assert sock.getpeername() == listener.getsockname()
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    recorded.close(reactor)
    assert recorded.failures == []


def test_attempt_reports_a_refusal(reactor: Reactor):
    recorded = RecordedAttempt(reactor, Target("127.0.0.1", CLOSED))
    try:
        recorded.attempt.begin()
        wait_until(lambda: recorded.failures)
    except Refused as failure:  # the kernel may say so at once
        recorded.failures.append(failure)
    assert [type(failure) for failure in recorded.failures] == [Refused]


def test_attempt_tries_the_next_address_and_prefers_it_afterwards(reactor: Reactor, listener: socket.socket):
    host, port = listener.getsockname()
    target = Target("two.test", port)
    addresses: list[Any] = [(socket.AF_INET, ("127.0.0.1", CLOSED)), (socket.AF_INET, (host, port))]
    recorded = RecordedAttempt(reactor, target, addresses=addresses)
    recorded.attempt.begin()
    wait_until(lambda: recorded.socks)
    assert recorded.connector.resolver.addresses(target) == addresses[::-1]
    recorded.close(reactor)


def test_attempt_reports_a_timeout(reactor: Reactor, monkeypatch: pytest.MonkeyPatch, listener: socket.socket):
    monkeypatch.setattr(reactor, "watch", lambda *_: None)
    monkeypatch.setattr(reactor, "unwatch", lambda *_: None)
    recorded = RecordedAttempt(reactor, Target(*listener.getsockname()))
    recorded.attempt.begin()
    recorded.attempt.overdue(time.perf_counter())
    assert [type(failure) for failure in recorded.failures] == [ConnectTimeout]


def test_abandoned_attempt_reports_nothing(reactor: Reactor, listener: socket.socket):
    recorded = RecordedAttempt(reactor, Target(*listener.getsockname()))
    recorded.attempt.begin()
    recorded.attempt.give_up()
    recorded.attempt.give_up()
    gevent.sleep(0.05)  # in which it would have connected
    assert recorded.socks == recorded.failures == []


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_socket_that_connects_to_itself_is_refused(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch, family: int, host: str
):
    """The kernel may choose the target's own port, where nothing listens any more, as the source port."""
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setattr(client_socket, "_port_range", lambda: struct.pack("I", port << 16 | port))
    recorded = RecordedAttempt(reactor, Target(host, port))
    recorded.begin()
    wait_until(lambda: recorded.failures)
    assert [type(failure) for failure in recorded.failures] == [Refused]
    assert "connected to itself" in recorded.failures[0].detail
    assert recorded.socks == []


def test_unresolved_name_is_refused_and_queried(reactor: Reactor, monkeypatch: pytest.MonkeyPatch):
    asked: list[Target] = []
    recorded = RecordedAttempt(reactor, Target("nowhere.invalid", 1))
    monkeypatch.setattr(recorded.connector.resolver, "_query", asked.append)
    with pytest.raises(Refused) as caught:
        recorded.attempt.begin()
    assert "not resolved yet" in caught.value.detail
    assert asked == [Target("nowhere.invalid", 1)]


def test_descriptor_shortage_is_a_generator_limit_at_once(reactor: Reactor, monkeypatch: pytest.MonkeyPatch):
    def full(_: int) -> Any:
        raise OSError(24, "Too many open files")

    recorded = RecordedAttempt(reactor, Target("127.0.0.1", CLOSED))
    monkeypatch.setattr(recorded.connector, "open_socket", full)
    with pytest.raises(GeneratorLimit) as caught:
        recorded.attempt.begin()
    assert "Too many open files" in caught.value.detail


def test_attempt_ignores_events_of_an_earlier_socket_with_its_descriptor(reactor: Reactor):
    """A descriptor that is closed and used again in one turn of the reactor still has the old socket's event."""
    with full_backlog() as port:
        recorded = RecordedAttempt(reactor, Target("127.0.0.1", port))
        recorded.attempt.begin()
        recorded.attempt._tries[0].on_ready(1)
        assert recorded.socks == recorded.failures == []
        recorded.attempt.give_up()


def silent_and(listener: socket.socket, port: int, silent: int = 1) -> list[Any]:
    """Addresses of which only the last one answers."""
    return [(socket.AF_INET, ("127.0.0.1", port))] * silent + [(socket.AF_INET, listener.getsockname())]


def test_address_that_never_answers_does_not_use_up_the_timeout(reactor: Reactor, listener: socket.socket):
    with full_backlog() as port:
        recorded = RecordedAttempt(reactor, Target("two.test", 1), addresses=silent_and(listener, port))
        recorded.attempt.begin()
        wait_until(lambda: recorded.socks)
        [sock] = recorded.socks
        assert sock.getpeername() == listener.getsockname()
        assert time.perf_counter() - recorded.attempt.started >= module.STAGGER
        recorded.close(reactor)
    assert recorded.failures == []


def test_every_address_is_tried_within_a_short_timeout(reactor: Reactor, listener: socket.socket):
    """The timeout itself is checked by a sweep, which this test leaves out: it must not depend on the machine."""
    with full_backlog() as port:
        recorded = RecordedAttempt(reactor, Target("many.test", 1), 0.2, silent_and(listener, port, 8))
        recorded.attempt.begin()
        assert recorded.attempt._stagger * 8 < 0.2
        wait_until(lambda: recorded.socks)
        recorded.close(reactor)


def test_slow_address_may_still_answer_after_the_next_was_tried(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch, listener: socket.socket
):
    with full_backlog() as port:
        recorded = RecordedAttempt(reactor, Target("two.test", 1), addresses=silent_and(listener, port)[::-1])
        watched: list[Any] = []
        monkeypatch.setattr(reactor, "watch", lambda fd, one, events: watched.append(one))
        recorded.attempt.begin()
        recorded.attempt.on_time()
        assert [one.address[1][1] for one in watched] == [listener.getsockname()[1], port]
        monkeypatch.undo()
        for one in watched:
            reactor.watch(one.sock.fileno(), one, 4)
        wait_until(lambda: recorded.socks)
        recorded.close(reactor)
    assert reactor.handlers == []


def test_failure_is_reported_once_when_all_addresses_fail(reactor: Reactor):
    addresses = [(socket.AF_INET, ("127.0.0.1", CLOSED))] * 3
    recorded = RecordedAttempt(reactor, Target("three.test", 1), addresses=addresses)
    recorded.begin()
    wait_until(lambda: recorded.failures)
    gevent.sleep(module.STAGGER * 1.2)  # in which a timer that was left would fire
    assert [type(failure) for failure in recorded.failures] == [Refused]


def test_timeout_closes_all_sockets_and_names_their_addresses(reactor: Reactor):
    with full_backlog() as port:
        addresses = [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET, ("127.0.0.2", port))]
        recorded = RecordedAttempt(reactor, Target("two.test", 1), addresses=addresses)
        recorded.attempt.begin()
        recorded.attempt.on_time()
        assert [one.owner for one in reactor.handlers] == [recorded, recorded]
        recorded.attempt._tries[0].overdue(time.perf_counter())
    [failure] = recorded.failures
    assert type(failure) is ConnectTimeout
    assert failure.detail == f"connect to ('127.0.0.1', {port}), ('127.0.0.2', {port}): no answer in time"
    assert reactor.handlers == []


def test_attempt_that_is_given_up_in_the_handshake_closes_its_socket(reactor: Reactor, listener: socket.socket):
    recorded = RecordedAttempt(reactor, Target(*listener.getsockname(), True), tls=Tls(verify=False))
    recorded.attempt.begin()
    wait_until(lambda: recorded.attempt.handshake_at)
    [handshake] = reactor.handlers
    assert (type(handshake), handshake.owner) == (Handshake, recorded)
    assert handshake.deadline == recorded.attempt.deadline
    recorded.attempt.give_up()
    assert reactor.handlers == []
    with listener.accept()[0] as peer:
        assert peer.recv(5)[:1] == b"\x16"  # a handshake record
    assert recorded.socks == recorded.failures == []
