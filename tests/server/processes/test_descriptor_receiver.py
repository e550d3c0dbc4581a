"""The child's end of a channel: received connections are admitted and counted, and the end is noticed."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from server.interfaces import Handler
from server.monitoring.counters import Counters, SharedBoard
from server.monitoring.log import LogRing
from server.processes.channel import Channel, receive
from server.processes.descriptor_receiver import ORPHAN_DRAIN_SECONDS, DescriptorReceiver
from server.readiness.acceptor import ACCEPTS_PER_TURN
from server.settings import parse
from server.system.signals import StopRequests

FULL = b"ERR server full\n"


class FakePoller:
    def __init__(self) -> None:
        self.fd_setsize: int | None = None
        self.watched: set[int] = set()

    def watch(self, fd: int, read: bool, write: bool) -> None:
        self.watched.add(fd)

    def forget(self, fd: int) -> None:
        self.watched.discard(fd)


class FakeHost:
    """A loop whose turns the test makes. `connections` are those admitted."""

    now = 1000.0

    def __init__(self) -> None:
        self.counters = Counters()
        self.stream = io.StringIO()
        self.log = LogRing(self.stream)
        self.log.start()
        self.poller = FakePoller()
        self.handlers: dict[int, Handler] = {}
        self.connections: list[socket.socket] = []

    def admit(self, sock: socket.socket, peer: object) -> None:
        self.connections.append(sock)

    def connection_count(self) -> int:
        return len(self.connections)

    def wake_by(self, when: float) -> None:
        pass

    def call_at_end_of_turn(self, call: Callable[[], None]) -> None:
        pass


class Bench:
    """The supervisor's end, a host and the receiver. `clients` are the peers of the sent sockets."""

    def __init__(self) -> None:
        self.channel = Channel()
        self.board = SharedBoard()
        self.host = FakeHost()
        self.stops = StopRequests()
        self.service = SimpleNamespace(settings=parse(["--drain-timeout", "60"], {}), stops=self.stops)
        source = self.channel.child_end.dup()
        source.setblocking(False)
        self.fd = source.fileno()
        self.intake = DescriptorReceiver(self.host, source, self.service, self.board, socket.AF_UNIX)  # type: ignore[arg-type]
        self.clients: list[socket.socket] = []

    def send_sockets(self, count: int = 1) -> None:
        made = [socket.socketpair() for _ in range(count)]
        self.clients += [client for client, _ in made]
        try:
            self.channel.send_sockets([sock for _, sock in made])
        finally:
            for _, sock in made:
                sock.close()

    def told(self) -> int:
        count = 0
        while receive(self.channel.parent_end) is not None:
            count += 1
        return count

    def close(self) -> None:
        self.intake.close()
        self.host.log.close()
        self.stops.close()
        self.channel.close()
        for sock in [*self.clients, *self.host.connections]:
            sock.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


def test_a_received_connection_is_admitted_and_counted(bench: Bench) -> None:
    assert bench.host.poller.watched == set(bench.host.handlers) == {bench.fd}
    bench.send_sockets(3)
    bench.send_sockets(1)
    bench.intake.on_readable()
    assert bench.host.counters.accepted == bench.host.connection_count() == 4
    for client, sock in zip(bench.clients, bench.host.connections, strict=True):
        client.sendall(b"x")
        assert sock.recv(10) == b"x"


def test_an_empty_channel_admits_nothing(bench: Bench) -> None:
    bench.intake.on_readable()
    bench.intake.tick()
    assert bench.host.connection_count() == 0


def test_a_turn_receives_a_bounded_number(bench: Bench) -> None:
    for _ in range(5):
        bench.send_sockets(ACCEPTS_PER_TURN // 2)
    bench.intake.on_readable()
    assert bench.host.connection_count() == ACCEPTS_PER_TURN
    bench.intake.on_readable()
    assert bench.host.connection_count() == 2 * ACCEPTS_PER_TURN


def test_reports_are_sent_only_while_they_are_wanted(bench: Bench) -> None:
    bench.send_sockets()
    bench.intake.on_readable()
    bench.intake.connection_closed()
    assert bench.told() == 0
    bench.board.reports_wanted = 1
    bench.send_sockets()
    bench.intake.on_readable()
    assert bench.told() == 1
    bench.intake.connection_closed()
    assert bench.told() == 1


def test_a_descriptor_that_can_not_be_watched_is_refused_and_the_counts_add_up(bench: Bench) -> None:
    bench.host.poller.fd_setsize = 0
    bench.send_sockets(2)
    bench.intake.on_readable()
    counters = bench.host.counters
    assert (counters.accepted, counters.connections, counters.accept_errors) == (2, 0, 2)
    assert [client.recv(100) for client in bench.clients] == [FULL, FULL]


def test_descriptors_that_the_kernel_dropped_are_counted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[tuple[int, list[int]] | None] = [(3, []), None]
    monkeypatch.setattr("server.processes.channel.receive", lambda _: answers.pop(0))
    bench.intake.on_readable()
    counters = bench.host.counters
    assert (counters.accepted, counters.connections, counters.accept_errors) == (3, 0, 3)
    monkeypatch.undo()
    bench.host.log.close()
    assert "out of descriptors: 3 new connections lost" in bench.host.stream.getvalue()


def test_closing_admits_what_is_in_the_channel_and_nothing_later(bench: Bench) -> None:
    bench.send_sockets(2)
    bench.intake.close()
    assert bench.host.connection_count() == 2
    assert bench.host.handlers == {}
    assert bench.host.poller.watched == set()
    with pytest.raises(BrokenPipeError):
        bench.send_sockets()
    bench.intake.close()
    bench.board.reports_wanted = 1
    bench.intake.connection_closed()


def test_without_a_supervisor_it_requests_a_stop_with_a_short_drain(bench: Bench) -> None:
    bench.channel.parent_end.close()
    bench.intake.on_readable()
    assert bench.stops.read_requests() == 1
    assert bench.service.settings.drain_timeout == ORPHAN_DRAIN_SECONDS
    assert bench.host.handlers == {}
