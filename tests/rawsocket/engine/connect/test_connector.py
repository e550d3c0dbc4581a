import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import errno
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from rawsocket.engine.connect import connector as module
from rawsocket.engine.connect.connector import Connector
from rawsocket.engine.connect.resolver import Answer
from rawsocket.engine.reactor import Reactor
from rawsocket.errors import ConnectTimeout, GeneratorLimit, RawSocketError, Refused
from rawsocket.target import Target
from tests.support.local_run import LONG, wait_until
from tests.support.sockets import full_backlog

CLOSED = 1  # a port without a listener


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


class RecordedAttempt:
    """A connection attempt and its outcome."""

    def __init__(self, reactor: Reactor, target: Target, timeout: float = LONG) -> None:
        self.socks: list[Any] = []
        self.failures: list[RawSocketError] = []
        self.connector = Connector()
        self.attempt = self.connector.attempt(reactor, self, target, timeout, self.socks.append, self.failures.append)

    def close(self, reactor: Reactor) -> None:
        for sock in self.socks:
            reactor.unwatch(sock.fileno())
            sock.close()


def test_attempt_gives_a_connected_socket(reactor: Reactor, listener: socket.socket):
    recorded = RecordedAttempt(reactor, Target(*listener.getsockname()))
    recorded.attempt.begin()
    wait_until(lambda: recorded.socks)
    [sock] = recorded.socks
    assert sock.getpeername() == listener.getsockname()
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
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
    addresses = [(socket.AF_INET, ("127.0.0.1", CLOSED)), (socket.AF_INET, (host, port))]
    recorded = RecordedAttempt(reactor, target)
    resolver = recorded.connector.resolver
    resolver._answers[target] = Answer(list(addresses), time.perf_counter())
    recorded.attempt.begin()
    wait_until(lambda: recorded.socks)
    assert resolver.addresses(target) == addresses[::-1]
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


def connect(connector: Connector, address: Any) -> Any:
    sock = connector.open_socket(socket.AF_INET)
    code = sock.connect_ex(address)
    assert code in (0, errno.EINPROGRESS), errno.errorcode[code]
    return sock


def test_sockets_bind_to_the_source_addresses_of_their_family_in_turn():
    connector = Connector()
    connector.connect_from(["127.0.0.2", "127.0.0.3", "::1"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        opened = [connect(connector, listener.getsockname()) for _ in range(4)]
        assert sorted(sock.getsockname()[0] for sock in opened) == ["127.0.0.2"] * 2 + ["127.0.0.3"] * 2
        for sock in opened:
            sock.close()


def _ten_free_ports(*hosts: str) -> int:
    """The first of ten unused ports in a row."""
    return next(
        low for low in range(41_000, 61_000, 10) if all(_free(host, low + n) for n in range(10) for host in hosts)
    )


def _free(host: str, port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind((host, port))
        except OSError:
            return False
    return True


def test_each_source_address_has_its_own_ports(reactor: Reactor, monkeypatch: pytest.MonkeyPatch):
    """Ten ports and two addresses are twenty connections to one target, and the next one finds no port."""
    low = _ten_free_ports("127.0.0.2", "127.0.0.3", "")
    monkeypatch.setattr(module, "_port_range", lambda: struct.pack("I", (low + 9) << 16 | low))
    connector = Connector()
    connector.connect_from(["127.0.0.2", "127.0.0.3"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        opened = [connect(connector, listener.getsockname()) for _ in range(20)]
        assert len({sock.getsockname() for sock in opened}) == 20
        attempt = connector.attempt(reactor, None, Target(*listener.getsockname()), LONG, opened.append, opened.append)
        with pytest.raises(GeneratorLimit) as caught:
            attempt.begin()
        assert "Cannot assign requested address" in caught.value.detail
        for sock in opened:
            sock.close()


def test_port_search_covers_the_ephemeral_range():
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert struct.unpack("HH", module._port_range()) == (low, high)


def test_readable_neither_consumes_nor_blocks():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    assert not module.readable(ours)
    theirs.send(b"x")
    assert module.readable(ours)
    assert ours.recv(10) == b"x"
    theirs.close()
    assert module.readable(ours)  # its end
    ours.close()
    assert module.readable(ours)  # an error


def test_attempt_ignores_events_of_an_earlier_socket_with_its_descriptor(
    reactor: Reactor,
):
    """A descriptor that is closed and used again in one turn of the reactor still has the old socket's event."""
    with full_backlog() as port:
        recorded = RecordedAttempt(reactor, Target("127.0.0.1", port))
        recorded.attempt.begin()
        recorded.attempt.on_ready(1)
        assert recorded.socks == recorded.failures == []
        recorded.attempt.give_up()
