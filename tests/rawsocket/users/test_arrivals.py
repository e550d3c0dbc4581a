import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Callable

import gevent
import pytest

from rawsocket.engine.schedule import SPREAD
from rawsocket.users.arrivals import Arrivals


class Newcomer:
    """Notes when it is to begin."""

    begins = 0.0

    def start(self, when: float) -> None:
        self.begins = when


class Hall:
    """Arrivals on a clock of the test's own."""

    def __init__(self, poisson: bool = False) -> None:
        self.now = 100.0
        self._due: list[Callable[[], None]] = []
        self.arrivals = Arrivals(lambda: self.now, self._due.append, lambda: 0.5)
        self.arrivals.poisson = poisson

    def batch(self, count: int) -> list[float]:
        newcomers = [Newcomer() for _ in range(count)]
        for newcomer in newcomers:
            self.arrivals.add(newcomer)
        assert len(self._due) == (count > 0)
        while self._due:
            self._due.pop()()
        return [newcomer.begins for newcomer in newcomers]


def test_the_first_batch_is_spread_evenly_over_a_second_a_moment_later():
    begins = Hall().batch(100)
    assert begins[0] == pytest.approx(100 + SPREAD - 1 + 1 / 200)
    assert begins[-1] == pytest.approx(100 + SPREAD - 1 / 200)


@pytest.mark.parametrize("late", [0.0, 0.1, -0.05])
def test_batches_join_without_a_gap_though_locust_is_a_little_late(late: float):
    hall = Hall()
    begins = hall.batch(1000)
    for number in range(1, 6):
        hall.now = 100.0 + number + late * (number % 2)
        begins += hall.batch(1000)
    assert begins == sorted(begins)
    # Each 100 ms have their even share, give or take what a late batch shifts.
    for tenth in range(58):
        start = 100 + SPREAD - 1 + tenth / 10
        share = sum(start <= begin < start + 0.1 for begin in begins)
        assert 89 <= share <= 112, tenth


def test_after_a_pause_a_batch_begins_now():
    hall = Hall()
    hall.batch(10)
    hall.now = 200.0
    begins = hall.batch(2)
    assert 200 + SPREAD - 1 < begins[0] < begins[1] < 200 + SPREAD


def test_two_batches_in_one_moment_share_the_same_time():
    hall = Hall()
    assert max(hall.batch(10) + hall.batch(10)) <= 100 + SPREAD


def test_poisson_arrivals_are_random():
    begins = Hall(poisson=True).batch(3)
    assert begins == pytest.approx([100 + SPREAD - 0.5] * 3)


def test_a_batch_is_all_that_came_in_one_callback_of_the_hub():
    arrivals = Arrivals()
    newcomers = [Newcomer() for _ in range(3)]
    for newcomer in newcomers:
        arrivals.add(newcomer)
    assert newcomers[-1].begins == 0
    gevent.sleep(0.01)
    assert 0 < newcomers[0].begins < newcomers[1].begins < newcomers[2].begins
