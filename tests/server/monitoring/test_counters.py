"""Counters, the lag of a loop, and a board that other processes read."""

from __future__ import annotations

import os
from time import monotonic

import pytest

from server.monitoring.counters import DRAINING, MESSAGES, SERVING, Board, Counters, LoopLag, SharedBoard


def test_the_lag_is_the_longest_turn_of_the_last_full_second_and_since() -> None:
    lag = LoopLag()
    lag.turn_ended(100.0)
    lag.turn_started(100.1)
    lag.turn_ended(100.4)
    lag.turn_started(100.5)
    lag.turn_ended(100.6)
    assert round(lag.seconds(100.7), 6) == 0.3
    lag.turn_started(101.05)
    lag.turn_ended(101.1)
    assert round(lag.seconds(101.2), 6) == 0.3  # Of the last full second.
    lag.turn_started(102.15)
    lag.turn_ended(102.25)
    assert round(lag.seconds(102.3), 6) == 0.1  # Older turns are forgotten.
    assert lag.seconds(110.0) == 0.0  # After a long wait, an old lag is not shown.


def test_the_current_turn_counts_while_it_lasts() -> None:
    lag = LoopLag()
    lag.turn_ended(100.0)
    lag.turn_started(100.5)
    assert lag.seconds(107.5) == 7.0


def test_there_is_no_lag_without_a_turn() -> None:
    assert LoopLag().seconds(5000.0) == 0.0
    lag = LoopLag()
    lag.turn_ended(5000.0)
    assert lag.seconds(5000.5) == 0.0


def test_a_count_has_a_name_and_a_position() -> None:
    counters = Counters()
    counters.counts[MESSAGES] += 3
    counters.messages += 1
    assert counters.messages == counters.counts[MESSAGES] == 4


def test_open_connections_are_the_difference() -> None:
    counters = Counters()
    counters.accepted = 5
    counters.closed["client"] += 2
    counters.closed["cut"] += 1
    assert counters.connections == 2
    assert counters.connections_closed == 3
    assert sum(counters.closed.values()) == 3


def test_counts_are_added_and_cleared_but_not_the_pid() -> None:
    mine, other = Counters(), Counters()
    mine.messages, other.messages, other.pid = 1, 2, 77
    other.closed["idle"] = 4
    mine.add(other)
    assert (mine.messages, mine.closed["idle"], mine.pid) == (3, 4, 0)
    other.clear()
    assert (other.messages, other.closed["idle"], other.pid) == (0, 0, 0)


def test_rows_do_not_overlap() -> None:
    board = SharedBoard()
    for number in range(3):
        row = board.row(number)
        for position in range(len(row.counts)):
            row.counts[position] = number + 1
    assert [set(row.counts) for row in board.copy()] == [{1}, {2}, {3}]


def test_a_copy_does_not_change_with_the_board() -> None:
    board = SharedBoard()
    row = board.row(1)
    row.accepted = 1
    copied = board.copy()
    row.accepted = 2
    assert [counters.accepted for counters in copied] == [0, 1]


def test_the_counts_of_a_child_are_visible_and_survive_it() -> None:
    board = SharedBoard()
    row = board.row(1)
    if not (child := os.fork()):
        row.messages += 5
        row.lag.turn_ended(monotonic())
        row.lag.turn_started(monotonic() - 3)
        os._exit(0)
    os.waitpid(child, 0)
    assert board.copy()[1].messages == 5
    assert board.copy()[1].lag.seconds(monotonic()) >= 3


def test_a_copy_waits_for_the_end_of_an_atomic_update() -> None:
    board = SharedBoard()
    process, gone = board.row(1), board.row(0)
    process.accepted = 1000
    if not (child := os.fork()):
        for _ in range(3000):
            with board.atomic_update():
                gone.add(process)
                process.clear()
            with board.atomic_update():
                process.add(gone)
                gone.clear()
        os._exit(0)
    totals = set()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        totals.add(sum(counters.accepted for counters in board.copy()))
    assert totals <= {1000}


def test_a_board_of_one_process_has_one_row() -> None:
    board = Board()
    board.row(0).accepted += 2
    board.row(0).lag.turn_started(monotonic() - 4)
    (copied,) = board.copy()
    board.row(0).accepted += 1
    assert copied.accepted == 2
    assert copied.lag.seconds(monotonic()) >= 4
    with pytest.raises(IndexError):
        board.row(1)


def test_the_head_of_a_shared_board_is_visible_in_all_processes() -> None:
    board = SharedBoard()
    assert (board.stage, board.respawns, board.reports_wanted) == (SERVING, 0, 0)
    board.stage, board.respawns = DRAINING, 3
    if not (child := os.fork()):
        os._exit(10 * board.stage + board.respawns)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 13
    assert board.copy()[0].accepted == 0
    assert (Board().stage, Board().respawns) == (SERVING, 0)
