"""The loop itself, in a thread of this process: turns, timers and the end. See models/test_contract.py for the rest."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest

from server.assembly import open_service
from server.models.base import load
from server.monitoring.log import LogRing
from server.readiness.loop import Loop
from server.readiness.pollers import EpollPoller, Poller, PollPoller, SelectPoller
from server.service import Service
from server.settings import parse
from server.system.signals import StopRequests
from tests.support.sockets import ask, connect, connections, eventually, read_to_end


class Running:
    def __init__(self, service: Service, loop: Loop) -> None:
        self.service = service
        self.counters = service.counters
        self.loop = loop
        self.port: int = service.listener.getsockname()[1]
        self.thread = threading.Thread(target=loop.run, daemon=True)

    def stop(self) -> None:
        self.service.stops.request()

    def join(self) -> None:
        self.thread.join(30)
        assert not self.thread.is_alive()


@contextmanager
def running(poller: Poller, *flags: str) -> Iterator[Running]:
    settings = parse(["--port", "0", "--admin-port", "0", *flags], {})
    log = LogRing(io.StringIO(), settings.log_level)
    log.start()
    stops = StopRequests()
    with open_service(settings, load("epoll")(), log, stops) as service:
        made = Running(service, Loop(service, poller))
        made.thread.start()
        try:
            yield made
        finally:
            if made.thread.is_alive():
                stops.request()
                stops.request()
            made.join()
    log.close()
    stops.close()


@pytest.fixture(params=[SelectPoller, EpollPoller])
def poller(request: pytest.FixtureRequest) -> Poller:
    made: Poller = request.param()
    return made


def test_an_idle_loop_turns_about_once_a_second(poller: Poller) -> None:
    with running(poller) as server, connect(server.port) as client:
        ask(client, b"hello\n")
        before, started = server.counters.turns, monotonic()
        eventually(lambda: server.counters.turns >= before + 2, "two turns")
        assert server.counters.turns - before <= monotonic() - started + 2


def test_descriptors_balance(poller: Poller) -> None:
    with running(poller) as server:
        known = len(server.loop.handlers)
        with connections(server.port, 30) as clients:
            ask(clients[-1], b"hello\n")
            assert server.loop.connection_count() == 30
        eventually(lambda: server.loop.connection_count() == 0, "all are gone")
        assert len(server.loop.handlers) == known
        assert sum(server.counters.closed.values()) == server.counters.accepted == 30


def test_a_stop_closes_idle_connections_at_once_and_ends(poller: Poller) -> None:
    with running(poller) as server, connections(server.port, 5) as clients:
        ask(clients[-1], b"hello\n")
        server.stop()
        assert [read_to_end(client) for client in clients] == [b""] * 5
        server.join()
        assert server.service.draining
        assert server.counters.closed["drain"] == 5


def test_two_stops_in_one_turn_cut(poller: Poller) -> None:
    with running(poller, "--drain-timeout", "600") as server, connect(server.port) as client:
        client.sendall(b"unfinished")
        eventually(lambda: server.counters.bytes_in, "the bytes arrive")
        server.stop()
        server.stop()
        server.join()
        assert server.counters.closed["cut"] == 1


def test_lag_is_the_time_between_two_waits(poller: Poller) -> None:
    flags = ("--app", "work", "--work-ms", "60")
    with running(poller, *flags) as server, connect(server.port) as client:
        eventually(
            lambda: ask(client, b"hello\n") and server.counters.lag.seconds(monotonic()) >= 0.05,
            "the lag shows",
        )


@pytest.mark.parametrize("poller", [SelectPoller, PollPoller, EpollPoller], indirect=True)
def test_no_refusal_at_the_cap_when_another_connection_has_ended(poller: Poller) -> None:
    with running(poller, "--max-connections", "1") as server:
        for _ in range(50):  # Sometimes both are reported in one turn.
            with connect(server.port) as client:
                assert ask(client, b"hello\n") == b"Hello from server!\n"
    assert server.counters.refused == 0


def test_a_handler_that_ended_earlier_in_the_turn_is_not_called(poller: Poller) -> None:
    class Twice:
        """Reports every descriptor as readable and writable, as a kernel may."""

        fd_setsize: int | None = None
        watch, forget, close = poller.watch, poller.forget, poller.close

        def wait(self, timeout: float) -> tuple[list[int], list[int]]:
            readable, _ = poller.wait(timeout)
            return list(readable), list(readable)

    with running(Twice()) as server:
        for _ in range(3):
            with connect(server.port) as client:
                ask(client, b"hello\n")
        eventually(lambda: server.counters.closed["client"] == 3, "all are gone")
