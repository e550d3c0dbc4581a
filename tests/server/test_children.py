"""What the supervisor knows of a process: its load, whether it keeps up, and what it leaves behind."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from server.channel import END, Channel, receive
from server.children import EVENNESS, MOST_IN_FLIGHT, SLOW_SECONDS, Child, shared_out
from server.counters import Counters

NOW = 1000.0


class Process:
    """The other side: takes what is in the channel, and counts it on its row."""

    def __init__(self) -> None:
        self.row = Counters()
        self.row.pid = 4711
        self.child = Child(self.row, socket.AF_UNIX)
        self.channel: Channel = self.child.begin(NOW)

    def take(self) -> int:
        handed, came = receive(self.channel.far) or END
        self.row.accepted += handed
        for fd in came:
            os.close(fd)
        return handed

    def give(self, count: int, now: float = NOW) -> bool:
        newcomers = []
        for _ in range(count):
            sock, peer = socket.socketpair()
            peer.close()
            newcomers.append(sock)
        given = self.child.give(newcomers, now)
        for sock in newcomers:
            sock.close()
        return given


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process()
    yield made
    made.child.end()


def test_the_load_is_what_was_given_and_has_not_ended(process: Process) -> None:
    assert process.give(3)
    assert (process.child.load, process.child.in_flight) == (3, 3)
    process.take()
    process.row.closed["client"] += 1
    process.child.look(NOW)
    assert (process.child.load, process.child.in_flight) == (2, 0)


def test_one_that_takes_what_it_is_given_is_not_slow(process: Process) -> None:
    for turn in range(5):
        process.give(1, NOW + turn)
        process.take()
        process.child.look(NOW + turn + 0.9)
        assert not process.child.slow


def test_one_that_does_not_take_is_slow_from_a_moment_on_until_its_loop_turns(process: Process) -> None:
    process.child.look(NOW + 50)
    process.give(1, NOW + 60)  # It was idle before, which is no delay.
    process.child.look(NOW + 60 + SLOW_SECONDS / 2)
    assert not process.child.stuck()
    process.child.look(NOW + 60 + SLOW_SECONDS)
    assert process.child.stuck()
    sockets, lost = process.child.take_back()
    assert (len(sockets), lost, process.child.load) == (1, 0, 0)
    sockets[0].close()
    process.child.look(NOW + 70)
    assert process.child.slow  # Nothing waits for it, but it may stand still.
    assert not process.child.stuck()
    process.row.turns += 1
    process.child.look(NOW + 71)
    assert not process.child.slow


def test_one_that_stays_away_from_waiting_is_slow(process: Process) -> None:
    process.row.lag.away(NOW)
    process.row.lag.back(NOW)
    process.child.look(NOW + SLOW_SECONDS)
    assert process.child.slow


def test_who_can_be_given_newcomers(process: Process) -> None:
    assert process.child.able()
    process.child.leaves = True
    assert not process.child.able()
    process.child.leaves = False
    process.row.pid = 0
    assert not process.child.able()
    process.row.pid = 4711
    process.child.end()
    assert not process.child.able()


def test_what_can_not_be_handed_over_stays_and_the_process_is_spared_until_the_next_look(process: Process) -> None:
    process.channel.far.shutdown(socket.SHUT_RDWR)
    assert not process.give(2)
    assert process.child.load == 0
    assert not process.child.able()
    process.child.look(NOW)
    assert process.child.able()


def test_what_a_dead_process_took_and_did_not_count_is_known(process: Process) -> None:
    process.give(2)
    process.give(2)
    process.give(3)
    process.take()
    receive(process.channel.far)  # Killed before it counted them.
    sockets, _ = process.child.take_back()
    assert len(sockets) == 3
    assert process.child.uncounted() == 2
    for sock in sockets:
        sock.close()


def test_a_new_process_begins_with_nothing(process: Process) -> None:
    process.give(2)
    process.take()
    process.row.clear()
    process.child.end()
    process.child.look(NOW)
    assert (process.child.load, process.child.in_flight) == (0, 0)
    process.channel = process.child.begin(NOW + 1)
    process.row.pid = 4712
    assert (process.child.load, process.child.in_flight, process.child.slow) == (0, 0, False)
    assert process.give(1)


# Who gets the newcomers


def children(*loads: int) -> dict[int, Child]:
    """Return processes that have so many connections each."""
    found = {}
    for number, load in enumerate(loads, 1):
        process = Process()
        process.channel.close()  # nothing is sent here
        found[number] = process.child
        process.child.load = load
    return found


def test_the_least_loaded_gets_them_until_the_loads_are_even() -> None:
    assert shared_out(1, children(5, 3, 4), 100) == {2: 1}
    assert shared_out(9, children(5, 3, 4), 100) == {1: 2, 2: 4, 3: 3}
    assert shared_out(0, children(5, 3, 4), 100) == {}


def test_large_loads_may_differ_a_little_so_that_several_come_at_once() -> None:
    counts = shared_out(30, children(*[10 * EVENNESS] * 16), 1000)
    assert counts == {1: 11, 2: 11, 3: 8}


def test_nobody_gets_more_than_its_share() -> None:
    assert shared_out(50, children(8, 10, 3), 10) == {1: 2, 3: 7}
    assert shared_out(50, children(10 * EVENNESS), 10 * EVENNESS + 2) == {1: 2}


def test_a_slow_one_gets_them_only_if_the_others_have_no_room() -> None:
    found = children(0, 7, 7)
    found[1].slow = True
    assert shared_out(4, found, 10) == {2: 2, 3: 2}
    assert shared_out(8, found, 10) == {1: 2, 2: 3, 3: 3}
    found[1].in_flight = MOST_IN_FLIGHT
    assert shared_out(8, found, 10) == {2: 3, 3: 3}


def test_one_that_has_enough_in_flight_is_waited_for() -> None:
    found = children(0, 7)
    found[1].in_flight = MOST_IN_FLIGHT - 2
    assert shared_out(8, found, 100) == {1: 2}


def test_who_can_not_be_given_any_is_left_out() -> None:
    found = children(0, 7)
    found[1].leaves = True
    assert shared_out(2, found, 100) == {2: 2}
    found[2].leaves = True
    assert shared_out(2, found, 100) == {}
