"""What the supervisor knows of a process: its load, whether it is slow, and what it had not accepted."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from server.monitoring.counters import Counters
from server.processes.channel import END, Channel, receive
from server.processes.children import BATCH_DIVISOR, MAX_IN_FLIGHT, SLOW_SECONDS, Child, distribute

NOW = 1000.0


class Process:
    """The child process: it receives what is in the channel, and counts it in its row."""

    def __init__(self) -> None:
        self.row = Counters()
        self.row.pid = 4711
        self.child = Child(self.row, socket.AF_UNIX)
        self.channel: Channel = self.child.open_channel(NOW)

    def take(self) -> int:
        handed, came = receive(self.channel.child_end) or END
        self.row.accepted += handed
        for fd in came:
            os.close(fd)
        return handed

    def send_connections(self, count: int, now: float = NOW) -> bool:
        newcomers = []
        for _ in range(count):
            sock, peer = socket.socketpair()
            peer.close()
            newcomers.append(sock)
        given = self.child.send_connections(newcomers, now)
        for sock in newcomers:
            sock.close()
        return given


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process()
    yield made
    made.child.close_channel()


def test_the_load_is_the_sent_connections_that_have_not_ended(process: Process) -> None:
    assert process.send_connections(3)
    assert (process.child.load, process.child.in_flight) == (3, 3)
    process.take()
    process.row.closed["client"] += 1
    process.child.update_load(NOW)
    assert (process.child.load, process.child.in_flight) == (2, 0)


def test_a_child_that_accepts_what_was_sent_is_not_slow(process: Process) -> None:
    for turn in range(5):
        process.send_connections(1, NOW + turn)
        process.take()
        process.child.update_load(NOW + turn + 0.9)
        assert not process.child.slow


def test_a_child_that_does_not_accept_is_slow_until_its_loop_turns(process: Process) -> None:
    process.child.update_load(NOW + 50)
    process.send_connections(1, NOW + 60)  # It was idle before, which does not make it slow.
    process.child.update_load(NOW + 60 + SLOW_SECONDS / 2)
    assert not process.child.stuck()
    process.child.update_load(NOW + 60 + SLOW_SECONDS)
    assert process.child.stuck()
    sockets, lost = process.child.reclaim()
    assert (len(sockets), lost, process.child.load) == (1, 0, 0)
    sockets[0].close()
    process.child.update_load(NOW + 70)
    assert process.child.slow  # Nothing waits for it, but it may be stopped.
    assert not process.child.stuck()
    process.row.turns += 1
    process.child.update_load(NOW + 71)
    assert not process.child.slow


def test_a_child_with_a_long_turn_is_slow(process: Process) -> None:
    process.row.lag.turn_ended(NOW)
    process.row.lag.turn_started(NOW)
    process.child.update_load(NOW + SLOW_SECONDS)
    assert process.child.slow


def test_which_children_accept_connections(process: Process) -> None:
    assert process.child.accepts_connections()
    process.child.closing = True
    assert not process.child.accepts_connections()
    process.child.closing = False
    process.row.pid = 0
    assert not process.child.accepts_connections()
    process.row.pid = 4711
    process.child.close_channel()
    assert not process.child.accepts_connections()


def test_unsent_sockets_stay_and_their_child_is_skipped_until_the_next_update(process: Process) -> None:
    process.channel.child_end.shutdown(socket.SHUT_RDWR)
    assert not process.send_connections(2)
    assert process.child.load == 0
    assert not process.child.accepts_connections()
    process.child.update_load(NOW)
    assert process.child.accepts_connections()


def test_connections_that_a_dead_process_received_and_did_not_count_are_known(process: Process) -> None:
    process.send_connections(2)
    process.send_connections(2)
    process.send_connections(3)
    process.take()
    receive(process.channel.child_end)  # Killed before it counted them.
    sockets, _ = process.child.reclaim()
    assert len(sockets) == 3
    assert process.child.uncounted() == 2
    for sock in sockets:
        sock.close()


def test_a_new_process_starts_with_no_load(process: Process) -> None:
    process.send_connections(2)
    process.take()
    process.row.clear()
    process.child.close_channel()
    process.child.update_load(NOW)
    assert (process.child.load, process.child.in_flight) == (0, 0)
    process.channel = process.child.open_channel(NOW + 1)
    process.row.pid = 4712
    assert (process.child.load, process.child.in_flight, process.child.slow) == (0, 0, False)
    assert process.send_connections(1)


# Which child gets new connections


def children(*loads: int) -> dict[int, Child]:
    """Return children with these loads."""
    found = {}
    for number, load in enumerate(loads, 1):
        process = Process()
        process.channel.close()  # Nothing is sent here.
        found[number] = process.child
        process.child.load = load
    return found


def test_the_child_with_the_lowest_load_gets_connections_until_loads_are_even() -> None:
    assert distribute(1, children(5, 3, 4), 100) == {2: 1}
    assert distribute(9, children(5, 3, 4), 100) == {1: 2, 2: 4, 3: 3}
    assert distribute(0, children(5, 3, 4), 100) == {}


def test_large_loads_may_differ_a_little_so_that_connections_come_in_batches() -> None:
    counts = distribute(30, children(*[10 * BATCH_DIVISOR] * 16), 1000)
    assert counts == {1: 11, 2: 11, 3: 8}


def test_no_child_gets_more_than_its_share() -> None:
    assert distribute(50, children(8, 10, 3), 10) == {1: 2, 3: 7}
    assert distribute(50, children(10 * BATCH_DIVISOR), 10 * BATCH_DIVISOR + 2) == {1: 2}


def test_a_slow_child_gets_connections_only_if_the_others_have_no_room() -> None:
    found = children(0, 7, 7)
    found[1].slow = True
    assert distribute(4, found, 10) == {2: 2, 3: 2}
    assert distribute(8, found, 10) == {1: 2, 2: 3, 3: 3}
    found[1].in_flight = MAX_IN_FLIGHT
    assert distribute(8, found, 10) == {2: 3, 3: 3}


def test_connections_wait_for_a_child_with_enough_in_flight() -> None:
    found = children(0, 7)
    found[1].in_flight = MAX_IN_FLIGHT - 2
    assert distribute(8, found, 100) == {1: 2}


def test_a_child_that_accepts_no_connections_gets_none() -> None:
    found = children(0, 7)
    found[1].closing = True
    assert distribute(2, found, 100) == {2: 2}
    found[2].closing = True
    assert distribute(2, found, 100) == {}
