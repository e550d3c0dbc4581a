import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rawsocket.engine.schedule import GROUPS, arrivals, first_slot, millisecond, missed, on_grid, overdue

moments = st.floats(0, 1e7)
chances = st.floats(0, 1, exclude_max=True)


@given(moments)
def test_time_rounds_up_to_the_next_millisecond(at: float):
    assert at - 2e-6 <= on_grid(at) < at + 0.001 + 1e-6
    assert on_grid(on_grid(at)) == on_grid(at)
    assert millisecond(on_grid(at)) == millisecond(at)


@given(moments, st.floats(0.001, 1e5), chances)
def test_first_slot_is_within_one_period(now: float, period: float, chance: float):
    assert now - 2e-6 <= first_slot(now, period, lambda: chance) <= now + period + 0.001 + 1e-6


@pytest.mark.parametrize(("until", "passed"), [(9.9, 0), (10.0, 1), (10.9, 1), (11.0, 2), (14.5, 5)])
def test_missed_counts_slots_up_to_and_including_the_time(until: float, passed: int):
    assert missed(10.0, 1.0, until) == passed


def test_overdue_gives_the_ages_of_passed_slots():
    assert overdue(10.0, 1.0, 9.5) == []
    assert overdue(10.0, 1.0, 12.5) == [(2.5, 1), (1.5, 1), (0.5, 1)]


@given(st.integers(1, 100_000), st.floats(0.001, 10))
def test_overdue_groups_many_slots_without_overstating_their_ages(number: int, period: float):
    """Every slot counts; its given age is never above its own age, and below it by two groups' width at most."""
    until = 10.0 + (number - 0.5) * period
    groups = overdue(10.0, period, until)
    ages = [age for age, count in groups for _ in range(count)]
    assert (len(ages), len(groups) <= GROUPS) == (number, True)
    width = period * (number // GROUPS + 1)
    for slot in (0, number // 2, number - 1):
        own = until - 10.0 - slot * period
        assert own - width - 1e-6 <= ages[slot] <= own + 1e-6


@example(101, 0.0, 40.962226673297714, 0.9999999999999998)
@given(st.integers(1, 500), moments, st.floats(0.001, 100), chances)
def test_even_arrivals_have_equal_gaps_within_the_span(count: int, begin: float, span: float, phase: float):
    times = arrivals(count, begin, begin + span, None, phase)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(times) == count
    assert all(begin <= time <= begin + span for time in times)
    assert gaps == pytest.approx([span / count] * (count - 1), rel=1e-3, abs=1e-7)


def test_poisson_arrivals_are_sorted_random_times_within_the_span():
    chance = iter([0.9, 0.1, 0.5])
    assert arrivals(3, 10.0, 20.0, lambda: next(chance)) == [11.0, 15.0, 19.0]


def test_zero_arrivals_give_an_empty_list():
    assert arrivals(0, 1.0, 2.0, None) == []
