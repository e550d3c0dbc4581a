from typing import Any

import pytest

from rawsocket.master import worker_lag as health
from rawsocket.master.worker_lag import Health
from tests.support.reports import report


def of(lag: dict[int, int], worst: int | None = None, **more: Any) -> dict[str, Any]:
    pairs = [[us, ticks] for us, ticks in lag.items()]
    worst = max(lag, default=0) if worst is None else worst
    return report(**more, health={"lag": pairs, "lag_max_us": worst})


def test_lag_of_the_steady_window_and_the_worst_of_all() -> None:
    own = Health()
    assert own.steady() == {"lag_p99_ms": None, "lag_max_ms": None}
    own.take(of({900_000: 1}), False, False)
    own.open_window()
    assert own.steady() == {"lag_p99_ms": None, "lag_max_ms": None}
    own.take(of({500: 97, 20_000: 1}), False, False)
    own.take(of({500: 97, 30_000: 2, 40_000: 3}, worst=40_007), False, False)
    assert own.steady() == {"lag_p99_ms": pytest.approx(40, rel=0.001), "lag_max_ms": 40.007}
    assert own.worst_us == 900_000


@pytest.mark.parametrize(("wall_s", "worst_ms"), [(13.5, 3000), (11.0, 0.5)])
def test_what_being_told_to_stop_takes_is_steady_only_of_a_worker_long_overdue(wall_s: float, worst_ms: float) -> None:
    own = Health()
    own.open_window()
    own.take(of({500: 100}, wall_s=10.0), False, False)
    own.take(of({3_000_000: 300}, wall_s=wall_s), False, True)
    own.take(of({9_000_000: 900}, wall_s=20.0), False, False)
    own.take(of({9_000_000: 900}, wall_s=30.0, final=True), False, False)
    assert own.steady()["lag_max_ms"] == worst_ms


def test_what_ending_takes_is_not_steady() -> None:
    own = Health()
    own.open_window()
    own.take(of({500: 100}, wall_s=10.0), False, False)
    own.take(of({9_000_000: 900}, wall_s=11.0, final=True), False, False)
    assert own.steady()["lag_max_ms"] == 0.5


def test_a_window_is_begun_anew() -> None:
    own = Health()
    own.open_window()
    own.take(of({80_000: 100}), False, False)
    own.open_window()
    own.take(of({500: 100}), False, False)
    assert own.steady() == {"lag_p99_ms": 0.5, "lag_max_ms": 0.5}


def test_who_joins_in_the_steady_window_is_measured_in_it() -> None:
    own = Health()
    own.take(of({500: 100}), True, False)
    assert own.steady()["lag_p99_ms"] == 0.5


def test_the_lag_of_one_report() -> None:
    assert health.lag_ms(of({500: 97, 2000: 3})) == 2
    assert health.lag_ms(of({})) is None
    assert health.lag_ms(None) is None
    assert health.lag_ms({"run": 1}) is None  # of a process that doesn't measure


def test_rates_by_the_workers_own_clock() -> None:
    absolute: dict[str, Any] = {"cpu_limit": 0.5, "cpus": 2, "lag": [], "lag_max_us": 0}
    first = report(
        wall_s=10.0,
        health={**absolute, "turns": 100, "steal_s": 1.0, "throttled_s": 5.0, "late_s": 1.0, "late_cpu_s": 0.5},
    )
    last = report(
        wall_s=14.0,
        health={**absolute, "turns": 500, "steal_s": 2.0, "throttled_s": 7.0, "late_s": 3.0, "late_cpu_s": 0.7},
    )
    assert health.rates(first, last) == {
        "turns_s": 100,
        "stolen_share": 0.25,
        "throttled_share": 0.5,
        "late_cpu_share": pytest.approx(0.1),
        "cpu_limit": 0.5,
        "cpus": 2,
    }
    unknown = health.rates(first, first)
    assert [unknown[name] for name in ("turns_s", "stolen_share", "throttled_share", "late_cpu_share")] == [None] * 4


def test_what_is_not_known_is_none() -> None:
    first, last = report(wall_s=1.0), report(wall_s=2.0)
    assert health.rates(first, last)["stolen_share"] is None
    assert health.rates(first, last)["late_cpu_share"] is None
    assert set(health.rates(None, None).values()) == {None}
    del first["health"], last["health"]
    assert set(health.rates(first, last).values()) == {None}


def test_never_late_is_no_share() -> None:
    quiet = {"late_s": 0.0, "late_cpu_s": 0.0}
    assert health.rates(report(wall_s=1.0, health=quiet), report(wall_s=2.0, health=quiet))["late_cpu_share"] is None
