from types import SimpleNamespace
from typing import Any

import pytest

from rawsocket.users.session.grid import advance, ages, ages_since, leave_out, start


def grid(period: float = 1.0) -> Any:
    made = SimpleNamespace(period=0.0, slot=0.0, due=0.0)
    start(made, 100.0, period, lambda: 0.5)
    assert made.slot == 100.0 + period / 2
    return made


def test_slots_follow_the_period():
    made = grid()
    advance(made, 1.0)
    assert (made.due, made.slot) == (100.5, 101.5)
    advance(made, 2.0)
    assert (made.due, made.slot) == (101.5, 103.5)


@pytest.mark.parametrize(("until", "passed", "slot"), [(100.4, 0, 100.5), (100.5, 1, 101.5), (102.6, 3, 103.5)])
def test_leave_out_skips_passed_slots(until: float, passed: int, slot: float):
    made = grid()
    assert leave_out(made, until) == passed
    assert made.slot == slot


def test_leave_out_skips_a_due_message_that_was_not_sent():
    made = grid()
    advance(made, 1.0)
    assert leave_out(made, 101.0) == 1
    assert made.due == 0.0


def test_ages_include_the_due_message_and_passed_slots():
    made = grid()
    assert ages(made, 100.4) == []
    advance(made, 1.0)
    assert ages(made, 103.0) == [(2.5, 1), (pytest.approx(1.5), 1), (pytest.approx(0.5), 1)]


def test_ages_since_a_connect_exclude_earlier_slots():
    made = grid()
    assert ages_since(made, 102.0, 103.0) == [(pytest.approx(0.5), 1)]
    assert made.slot == 100.5
