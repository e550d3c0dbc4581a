import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Callable

import gevent
import pytest

from rawsocket.engine.schedule import SPREAD
from rawsocket.users.arrivals import Arrivals


class FakeUser:
    """Records its start time."""

    begins = 0.0

    def start(self, when: float) -> None:
        self.begins = when


class ArrivalsBench:
    """Arrivals on a clock that the test sets."""

    def __init__(self, poisson: bool = False) -> None:
        self.now = 100.0
        self._due: list[Callable[[], None]] = []
        self.arrivals = Arrivals(lambda: self.now, self._due.append, lambda: 0.5)
        self.arrivals.poisson = poisson

    def batch(self, count: int) -> list[float]:
        users = [FakeUser() for _ in range(count)]
        for user in users:
            self.arrivals.add(user)
        assert len(self._due) == (count > 0)
        while self._due:
            self._due.pop()()
        return [user.begins for user in users]


def test_first_batch_spreads_evenly_over_one_second_after_a_short_delay():
    begins = ArrivalsBench().batch(100)
    assert begins[0] == pytest.approx(100 + SPREAD - 1 + 1 / 200)
    assert begins[-1] == pytest.approx(100 + SPREAD - 1 / 200)


@pytest.mark.parametrize("late", [0.0, 0.1, -0.05])
def test_consecutive_batches_leave_no_gap_when_locust_is_late(late: float):
    bench = ArrivalsBench()
    begins = bench.batch(1000)
    for number in range(1, 6):
        bench.now = 100.0 + number + late * (number % 2)
        begins += bench.batch(1000)
    assert begins == sorted(begins)
    # Each 100 ms get an equal share, plus or minus the shift of a late batch.
    for tenth in range(58):
        start = 100 + SPREAD - 1 + tenth / 10
        share = sum(start <= begin < start + 0.1 for begin in begins)
        assert 89 <= share <= 112, tenth


def test_batch_after_a_pause_starts_from_now():
    bench = ArrivalsBench()
    bench.batch(10)
    bench.now = 200.0
    begins = bench.batch(2)
    assert 200 + SPREAD - 1 < begins[0] < begins[1] < 200 + SPREAD


def test_simultaneous_batches_share_one_interval():
    bench = ArrivalsBench()
    assert max(bench.batch(10) + bench.batch(10)) <= 100 + SPREAD


def test_without_spread_all_start_at_once():
    bench = ArrivalsBench()
    bench.arrivals.spread = 0.0
    assert bench.batch(10) + bench.batch(10) == [100.0] * 20


def test_poisson_arrivals_are_random():
    begins = ArrivalsBench(poisson=True).batch(3)
    assert begins == pytest.approx([100 + SPREAD - 0.5] * 3)


def test_users_added_in_one_hub_callback_form_a_batch():
    arrivals = Arrivals()
    users = [FakeUser() for _ in range(3)]
    for user in users:
        arrivals.add(user)
    assert users[-1].begins == 0
    gevent.sleep(0.01)
    assert 0 < users[0].begins < users[1].begins < users[2].begins
