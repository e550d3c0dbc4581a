"""Counters in words, the lag of a loop, and a board that other processes read."""

from __future__ import annotations

import os
from time import monotonic

import pytest

from server.monitoring.counters import DRAINING, MESSAGES, SERVING, Board, Counters, Lag, SharedBoard


def test_the_lag_is_the_longest_turn_of_the_last_full_second_and_since() -> None:
    lag = Lag()
    lag.away(100.0)
    lag.back(100.1)
    lag.away(100.4)
    lag.back(100.5)
    lag.away(100.6)
    assert round(lag.seconds(100.7), 6) == 0.3
    lag.back(101.05)
    lag.away(101.1)
    assert round(lag.seconds(101.2), 6) == 0.3  # Of the last full second.
    lag.back(102.15)
    lag.away(102.25)
    assert round(lag.seconds(102.3), 6) == 0.1  # Older than that is forgotten.
    assert lag.seconds(110.0) == 0.0  # A model that waits for long has no old lag.


def test_a_turn_that_goes_on_shows_while_it_does() -> None:
    lag = Lag()
    lag.away(100.0)
    lag.back(100.5)
    assert lag.seconds(107.5) == 7.0


def test_no_turn_no_lag() -> None:
    assert Lag().seconds(5000.0) == 0.0
    lag = Lag()
    lag.away(5000.0)
    assert lag.seconds(5000.5) == 0.0


def test_a_word_has_a_name_and_a_position() -> None:
    counters = Counters()
    counters.words[MESSAGES] += 3
    counters.messages += 1
    assert counters.messages == counters.words[MESSAGES] == 4


def test_held_is_the_difference() -> None:
    counters = Counters()
    counters.accepted = 5
    counters.closed["client"] += 2
    counters.closed["cut"] += 1
    assert counters.held == 2
    assert counters.ended == 3
    assert sum(counters.closed.values()) == 3


def test_counts_are_added_and_cleared_but_not_who_counts() -> None:
    mine, other = Counters(), Counters()
    mine.messages, other.messages, other.pid = 1, 2, 77
    other.closed["idle"] = 4
    mine.add(other)
    assert (mine.messages, mine.closed["idle"], mine.pid) == (3, 4, 0)
    other.clear()
    assert (other.messages, other.closed["idle"], other.pid) == (0, 0, 0)


def test_rows_do_not_touch_each_other() -> None:
    board = SharedBoard()
    for number in range(3):
        row = board.row(number)
        for position in range(len(row.words)):
            row.words[position] = number + 1
    assert [set(row.words) for row in board.copy()] == [{1}, {2}, {3}]


def test_a_copy_is_the_readers_own() -> None:
    board = SharedBoard()
    row = board.row(1)
    row.accepted = 1
    copied = board.copy()
    row.accepted = 2
    assert [counters.accepted for counters in copied] == [0, 1]


def test_what_a_child_counts_is_seen_here_and_stays_when_it_is_gone() -> None:
    board = SharedBoard()
    row = board.row(1)
    if not (child := os.fork()):
        row.messages += 5
        row.lag.away(monotonic())
        row.lag.back(monotonic() - 3)
        os._exit(0)
    os.waitpid(child, 0)
    assert board.copy()[1].messages == 5
    assert board.copy()[1].lag.seconds(monotonic()) >= 3


def test_a_copy_waits_for_the_end_of_what_belongs_together() -> None:
    board = SharedBoard()
    process, gone = board.row(1), board.row(0)
    process.accepted = 1000
    if not (child := os.fork()):
        for _ in range(3000):
            with board.rewriting():
                gone.add(process)
                process.clear()
            with board.rewriting():
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
    board.row(0).lag.back(monotonic() - 4)
    (copied,) = board.copy()
    board.row(0).accepted += 1
    assert copied.accepted == 2
    assert copied.lag.seconds(monotonic()) >= 4
    with pytest.raises(IndexError):
        board.row(1)


def test_the_head_of_a_shared_board_is_seen_by_all() -> None:
    board = SharedBoard()
    assert (board.stage, board.respawns, board.telling) == (SERVING, 0, 0)
    board.stage, board.respawns = DRAINING, 3
    if not (child := os.fork()):
        os._exit(10 * board.stage + board.respawns)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 13
    assert board.copy()[0].accepted == 0
    assert (Board().stage, Board().respawns) == (SERVING, 0)
