"""Accepting, with a listener whose accepts can be made to fail, and a fake host."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from server.readiness import acceptor as module
from server.readiness.acceptor import (
    ACCEPTS_PER_TURN,
    CALM_SECONDS,
    CROWDED_SECONDS,
    REFUSAL_SECONDS,
    RETRY_SECONDS,
    Acceptor,
)
from tests.support.acceptor_bench import Bench, FakeHost, Listener
from tests.support.sockets import connect, read_to_end

FULL = b"ERR server full\n"


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(*getattr(request, "param", (3, 4, False)))
    before = len(os.listdir("/proc/self/fd"))
    yield made
    made.close()
    assert len(os.listdir("/proc/self/fd")) < before  # At least listener and spare are closed.


with_room = pytest.mark.parametrize("bench", [(1000, 4, False)], indirect=True)
waiting = pytest.mark.parametrize("bench", [(3, 4, True)], indirect=True)


@with_room
def test_a_turn_accepts_a_bounded_number(bench: Bench) -> None:
    bench.connect(ACCEPTS_PER_TURN + 5)
    bench.turn()
    assert bench.host.connection_count() == bench.host.counters.accepted == ACCEPTS_PER_TURN
    bench.turn()
    assert bench.host.connection_count() == ACCEPTS_PER_TURN + 5


def test_connections_over_the_cap_get_the_line_and_not_a_reset(bench: Bench) -> None:
    clients = bench.connect(6)
    for client in clients:
        client.sendall(b"on its way\n")
    bench.turn()
    bench.wait_for_room()
    assert [read_to_end(client) for client in clients[3:]] == [FULL] * 3
    assert bench.host.counters.refused == 3
    assert bench.refusals == 3
    for client in clients[3:]:
        client.close()
    while bench.refusals:
        bench.turn()
    assert bench.listening


def test_with_all_refusal_slots_in_use_further_connections_are_refused_soon(bench: Bench) -> None:
    clients = bench.connect(3 + 4 + 3)
    bench.turn()
    bench.wait_for_room()
    assert bench.refusals == 4
    assert not bench.listening
    assert bench.host.alarms[-1] == bench.host.now + CROWDED_SECONDS
    bench.host.now += CROWDED_SECONDS
    bench.acceptor.tick()
    assert bench.refusals == 0
    bench.turn()
    bench.wait_for_room()
    assert bench.refusals == 3
    assert [read_to_end(client) for client in clients[3:]] == [FULL] * 7


def test_with_all_refusal_slots_in_use_and_none_waiting_refusals_linger_on(bench: Bench) -> None:
    bench.connect(3 + 4)
    bench.turn()
    bench.wait_for_room()
    bench.host.now += CROWDED_SECONDS
    bench.acceptor.tick()
    assert bench.refusals == 4
    bench.host.now += REFUSAL_SECONDS
    bench.acceptor.tick()
    assert bench.refusals == 0


def test_a_refused_client_that_has_left_uses_no_slot(bench: Bench) -> None:
    bench.connect(3)
    bench.turn()
    leaver = bench.connect()[0]
    leaver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    leaver.close()
    bench.turn()
    bench.wait_for_room()
    assert bench.refusals == 0


@waiting
def test_at_the_cap_the_listener_is_not_watched_until_a_connection_ends(bench: Bench) -> None:
    bench.connect(5)
    bench.turn()
    assert bench.host.connection_count() == 3
    assert not bench.listening
    assert not bench.refusals
    bench.leave()
    assert bench.listening
    bench.turn()
    assert bench.host.connection_count() == 3
    assert not bench.listening
    assert bench.host.counters.refused == 0


def test_connections_that_come_in_the_turn_in_which_others_end_are_admitted(bench: Bench) -> None:
    bench.connect(3)
    bench.turn()
    bench.connect()
    bench.acceptor.on_readable()
    bench.leave()
    bench.turn()
    assert bench.host.connection_count() == 3
    assert bench.host.counters.refused == 0


def test_no_refusal_at_the_cap_when_an_end_is_noticed_late(bench: Bench) -> None:
    bench.connect(4)
    bench.turn()
    bench.host.now += bench.host.notice_seconds
    bench.acceptor.tick()
    bench.leave()
    bench.turn()
    assert bench.host.connection_count() == 3
    bench.wait_for_room()
    assert bench.host.counters.refused == 0
    assert bench.host.counters.accepted == 4


def test_connections_without_room_are_admitted_in_the_order_in_which_they_came(bench: Bench) -> None:
    clients = bench.connect(5)
    bench.turn()
    bench.leave()
    later = bench.connect()[0]
    bench.turn()
    assert bench.host.connections[-1].getpeername() == clients[3].getsockname()
    bench.wait_for_room()
    assert [read_to_end(client) for client in (clients[4], later)] == [FULL] * 2


def test_connections_without_room_use_the_slots_of_refusals(bench: Bench) -> None:
    bench.connect(3 + 4 + 1)
    bench.turn()
    assert not bench.listening
    assert bench.host.alarms[-1] == bench.host.now + bench.host.notice_seconds
    bench.leave()
    assert bench.listening


def test_a_closed_acceptor_closes_the_connections_without_room(bench: Bench) -> None:
    clients = bench.connect(4)
    bench.turn()
    bench.acceptor.close()
    assert read_to_end(clients[3]) == b""
    assert bench.host.counters.refused == 0


def test_a_closed_acceptor_admits_no_waiting_connection(bench: Bench) -> None:
    bench.connect()
    bench.acceptor.on_readable()
    bench.acceptor.close()
    bench.turn()
    assert bench.host.connection_count() == bench.listener.accepts == 0


def test_out_of_descriptors_without_a_waiting_connection_is_no_failed_accept(bench: Bench) -> None:
    bench.listener.failures = [errno.EMFILE]
    bench.turn()
    assert bench.listener.accepts == 2
    assert bench.host.counters.accept_errors == 0
    assert bench.listening


@pytest.mark.parametrize("bench", [(100, 4, False)], indirect=True)
def test_the_crossings_are_logged_once_each_with_hysteresis(bench: Bench) -> None:
    bench.connect(100)
    bench.turn()
    bench.turn()
    for _ in range(3):  # At the cap: one connection ends, one comes.
        bench.leave()
        bench.connect()
        bench.turn()
    for _ in range(5):
        bench.leave()
    assert bench.host.lines() == [
        "at the cap of 100 connections: new connections are refused",
        "below the cap again: 95 connections of 100",
    ]


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN])
def test_an_aborted_connection_does_not_delay_the_next(bench: Bench, number: int) -> None:
    bench.listener.failures = [number]
    bench.connect()
    bench.turn()
    assert bench.host.connection_count() == 1
    assert bench.host.counters.accept_errors == 1
    assert bench.listening


def test_an_unexpected_error_is_raised(bench: Bench) -> None:
    bench.listener.failures = [errno.EBADF]
    with pytest.raises(OSError, match="Bad file descriptor"):
        bench.turn()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_out_of_descriptors_the_spare_refuses_one_at_a_time(
    bench: Bench, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = bench.connect()[0]
    bench.listener.failures = [number]
    monkeypatch.setattr(module, "_open_spare", lambda: None)  # Descriptors are still exhausted.
    bench.turn()
    assert read_to_end(client) == FULL
    assert bench.host.counters.refused == 1
    assert not bench.listening
    accepts = bench.listener.accepts
    bench.turn()
    assert bench.listener.accepts == accepts
    monkeypatch.undo()
    client.close()
    while bench.refusals:
        bench.turn()
    assert bench.listening


def test_if_the_spare_descriptor_does_not_help_the_listener_pauses(bench: Bench) -> None:
    bench.connect()
    bench.listener.failures = [errno.ENOBUFS] * 4
    bench.turn()
    assert not bench.listening
    assert bench.listener.accepts == 2
    assert bench.host.alarms[-1] == bench.host.now + RETRY_SECONDS
    bench.acceptor.tick()
    assert not bench.listening
    bench.host.now += RETRY_SECONDS
    bench.acceptor.tick()
    assert bench.listening
    bench.turn()
    bench.host.now += RETRY_SECONDS
    bench.acceptor.tick()
    bench.turn()
    assert bench.host.connection_count() == 1
    bench.host.now += CALM_SECONDS
    bench.acceptor.tick()
    first, second = bench.host.lines()  # Only the crossings.
    assert "No buffer space available" in first
    assert second == "descriptors are available again"


def test_a_descriptor_from_fd_setsize_on_is_refused(bench: Bench) -> None:
    bench.host.poller.fd_setsize = 3
    client = bench.connect()[0]
    bench.turn()
    assert read_to_end(client) == FULL
    assert bench.host.connection_count() == 0
    assert bench.refusals == 0


def test_a_closed_acceptor_watches_nothing_and_does_nothing(bench: Bench) -> None:
    bench.connect(5)
    bench.turn()
    bench.acceptor.close()
    bench.acceptor.close()
    assert not bench.host.handlers
    assert not bench.host.poller.watched
    bench.acceptor.tick()
    bench.acceptor.connection_closed()
    with pytest.raises(ConnectionRefusedError):
        connect(bench.listener.port)


def test_while_paused_new_connections_wait(bench: Bench) -> None:
    bench.acceptor.pause(True)
    bench.connect(2)
    bench.turn()
    assert not bench.listening
    assert bench.host.connection_count() == 0
    bench.acceptor.tick()
    assert not bench.listening
    bench.acceptor.pause(False)
    bench.turn()
    assert bench.host.connection_count() == 2


def test_a_host_that_passes_connections_on_does_not_count_them() -> None:
    host, listener = FakeHost(), Listener()
    acceptor = Acceptor(host, listener, 10, 4, False, counts=False)  # type: ignore[arg-type]
    with connect(listener.port):
        acceptor.on_readable()
        host.calls.pop()()
        assert host.connection_count() == 1
        assert host.counters.accepted == 0
        host.connections[0].close()
    acceptor.close()
    host.log.close()
