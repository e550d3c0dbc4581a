"""The far end of a channel in a process that serves: who comes is held and counted, and the end is noticed."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from server.acceptor import ACCEPTS_PER_TURN, Handler
from server.channel import Channel, receive
from server.counters import Counters, SharedBoard
from server.intake import ORPHANS_DRAIN_SECONDS, Intake
from server.logring import LogRing
from server.settings import parse
from server.signals import StopRequests

FULL = b"ERR server full\n"


class FakePoller:
    def __init__(self) -> None:
        self.wall: int | None = None
        self.watched: set[int] = set()

    def watch(self, fd: int, read: bool, write: bool) -> None:
        self.watched.add(fd)

    def forget(self, fd: int) -> None:
        self.watched.discard(fd)


class FakeHost:
    """A loop that turns only when told to. `connections` are those admitted."""

    now = 1000.0
    receive_size = 1024

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

    def held(self) -> int:
        return len(self.connections)

    def wake_by(self, when: float) -> None:
        pass

    def afterwards(self, call: Callable[[], None]) -> None:
        pass


class Bench:
    """Supervisor's side, host and intake together. `clients` are the peers of those handed over."""

    def __init__(self) -> None:
        self.channel = Channel()
        self.board = SharedBoard()
        self.host = FakeHost()
        self.stops = StopRequests()
        self.service = SimpleNamespace(settings=parse(["--drain-timeout", "60"], {}), stops=self.stops)
        source = self.channel.far.dup()
        source.setblocking(False)
        self.fd = source.fileno()
        self.intake = Intake(self.host, source, self.service, self.board, socket.AF_UNIX)  # type: ignore[arg-type]
        self.clients: list[socket.socket] = []

    def hand(self, count: int = 1) -> None:
        made = [socket.socketpair() for _ in range(count)]
        self.clients += [client for client, _ in made]
        try:
            self.channel.hand([sock for _, sock in made])
        finally:
            for _, sock in made:
                sock.close()

    def told(self) -> int:
        count = 0
        while receive(self.channel.near) is not None:
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


def test_who_is_handed_over_is_held_and_counted(bench: Bench) -> None:
    assert bench.host.poller.watched == set(bench.host.handlers) == {bench.fd}
    bench.hand(3)
    bench.hand(1)
    bench.intake.on_readable()
    assert bench.host.counters.accepted == bench.host.held() == 4
    for client, sock in zip(bench.clients, bench.host.connections, strict=True):
        client.sendall(b"x")
        assert sock.recv(10) == b"x"


def test_nobody_there_is_no_event(bench: Bench) -> None:
    bench.intake.on_readable()
    bench.intake.tick()
    assert bench.host.held() == 0


def test_a_turn_does_not_take_everyone(bench: Bench) -> None:
    for _ in range(5):
        bench.hand(ACCEPTS_PER_TURN // 2)
    bench.intake.on_readable()
    assert bench.host.held() == ACCEPTS_PER_TURN
    bench.intake.on_readable()
    assert bench.host.held() == 2 * ACCEPTS_PER_TURN


def test_the_supervisor_is_told_only_while_it_waits(bench: Bench) -> None:
    bench.hand()
    bench.intake.on_readable()
    bench.intake.released()
    assert bench.told() == 0
    bench.board.telling = 1
    bench.hand()
    bench.intake.on_readable()
    assert bench.told() == 1
    bench.intake.released()
    assert bench.told() == 1


def test_what_can_not_be_watched_is_refused_and_the_counts_agree(bench: Bench) -> None:
    bench.host.poller.wall = 0
    bench.hand(2)
    bench.intake.on_readable()
    counters = bench.host.counters
    assert (counters.accepted, counters.held, counters.accept_errors) == (2, 0, 2)
    assert [client.recv(100) for client in bench.clients] == [FULL, FULL]


def test_what_the_kernel_dropped_for_want_of_descriptors_is_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[tuple[int, list[int]] | None] = [(3, []), None]
    monkeypatch.setattr("server.channel.receive", lambda _: answers.pop(0))
    bench.intake.on_readable()
    counters = bench.host.counters
    assert (counters.accepted, counters.held, counters.accept_errors) == (3, 0, 3)
    monkeypatch.undo()
    bench.host.log.close()
    assert "out of descriptors: 3 newcomers lost" in bench.host.stream.getvalue()


def test_who_is_in_the_channel_at_the_end_is_held_and_nobody_comes_after(bench: Bench) -> None:
    bench.hand(2)
    bench.intake.close()
    assert bench.host.held() == 2
    assert bench.host.handlers == {}
    assert bench.host.poller.watched == set()
    with pytest.raises(BrokenPipeError):
        bench.hand()
    bench.intake.close()
    bench.board.telling = 1
    bench.intake.released()


def test_without_a_supervisor_the_end_is_asked_for_and_soon(bench: Bench) -> None:
    bench.channel.near.close()
    bench.intake.on_readable()
    assert bench.stops.take() == 1
    assert bench.service.settings.drain_timeout == ORPHANS_DRAIN_SECONDS
    assert bench.host.handlers == {}
