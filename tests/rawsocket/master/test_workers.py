import pytest

from rawsocket.master.worker_lag import cpu_s, delivered
from rawsocket.master.workers import FRESH_S, Workers
from rawsocket.measurement.report import Limits
from tests.support.reports import Clock, report


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workers(clock: Clock) -> Workers:
    return Workers(clock)


def test_held_sums_the_latest_values_of_the_workers(workers: Workers) -> None:
    for held in (10, 40):
        workers.receive("a", report(held=held))
        workers.receive("b", report(held=held + 1))
    assert workers.held(["a", "b"]) == 40 + 41


def test_worker_that_is_not_live_holds_nothing(workers: Workers) -> None:
    workers.receive("a", report(held=10))
    workers.receive("b", report(held=20))
    assert workers.held(["a"]) == 10


def test_worker_with_a_stale_report_holds_nothing(workers: Workers, clock: Clock) -> None:
    workers.receive("a", report(held=10))
    clock.now += FRESH_S - 0.1
    workers.receive("b", report(held=20))
    assert workers.held(["a", "b"]) == 30
    clock.now += 0.1
    assert workers.held(["a", "b"]) == 20
    assert workers.held_by("a") == 0
    assert workers.age("a") == pytest.approx(FRESH_S)


def test_unknown_worker_holds_nothing(workers: Workers) -> None:
    assert workers.held(["stranger"]) == 0


def test_rates_between_the_last_two_reports(workers: Workers) -> None:
    worker = workers.worker("a")
    assert worker.rate(cpu_s) is None
    workers.receive("a", report(wall_s=1.0, cpu_s=0.0, answered=0))
    workers.receive("a", report(wall_s=2.0, cpu_s=0.5, answered=8))
    assert worker.rate(cpu_s) == 0.5
    assert worker.rate(delivered) == 8


def test_no_rate_between_reports_of_two_runs(workers: Workers) -> None:
    workers.receive("a", report(run=1, wall_s=1.0))
    workers.receive("a", report(run=2, wall_s=2.0))
    assert workers.worker("a").rate(cpu_s) is None


def test_limits_of_a_worker_survive_a_report(workers: Workers) -> None:
    workers.worker("a").limits = Limits(1, 2, 3)
    workers.receive("a", report())
    assert workers.worker("a").limits == Limits(1, 2, 3)


def test_each_worker_has_its_own_run_number(workers: Workers) -> None:
    workers.receive("a", report(run=7))
    workers.receive("b", report(run=1))
    assert workers.worker("silent").latest is None
    assert workers.run_numbers() == {"a": 7, "b": 1}


def test_workers_are_numbered_in_the_order_in_which_they_joined(workers: Workers) -> None:
    workers.worker("z").limits = None
    workers.receive("b", report())
    assert [workers.label(name) for name in ("z", "b", "new", "z")] == ["worker 1", "worker 2", "worker 3", "worker 1"]
