import dataclasses
from typing import Any

import pytest

from rawsocket.master import worker_lag
from rawsocket.measurement.report import Report, RowReport, RowTimes
from rawsocket.measurement.stats_rows import MEASURED
from tests.support.reports import report


def report_with_lag(lag: dict[int, int], **more: Any) -> Report:
    return report(**more, lag={"lags": [[us, ticks] for us, ticks in lag.items()]})


def test_lag_p99_of_one_report() -> None:
    assert worker_lag.lag_p99_ms(report_with_lag({500: 97, 2000: 3})) == 2
    assert worker_lag.lag_p99_ms(report_with_lag({})) is None
    assert worker_lag.lag_p99_ms(None) is None
    assert (
        worker_lag.lag_p99_ms(dataclasses.replace(report(), lag=None)) is None
    )  # report_with_lag a process that doesn't measure


def test_growth_uses_the_clock_of_the_worker() -> None:
    first, last = report(wall_s=1.0, cpu_s=1.0), report(wall_s=3.0, cpu_s=2.0)
    assert worker_lag.growth(first, last, lambda report: report.cpu_s) == 0.5
    for unknown in ((None, last), (first, None), (first, first)):
        assert worker_lag.growth(*unknown, lambda report: report.cpu_s) is None


def test_rates_use_the_clock_of_the_worker() -> None:
    absolute: dict[str, Any] = {"cpu_limit": 0.5, "cpus": 2}
    first = report(
        wall_s=10.0,
        lag={**absolute, "turns": 100, "steal_s": 1.0, "throttled_s": 5.0, "late_s": 1.0, "late_cpu_s": 0.5},
    )
    last = report(
        wall_s=14.0,
        lag={**absolute, "turns": 500, "steal_s": 2.0, "throttled_s": 7.0, "late_s": 3.0, "late_cpu_s": 0.7},
    )
    assert worker_lag.rates(first, last) == {
        "turns_s": 100,
        "stolen_share": 0.25,
        "throttled_share": 0.5,
        "late_cpu_share": pytest.approx(0.1),
        "cpu_limit": 0.5,
        "cpus": 2,
    }
    unknown = worker_lag.rates(first, first)
    assert [unknown[name] for name in ("turns_s", "stolen_share", "throttled_share", "late_cpu_share")] == [None] * 4


def test_unknown_rates_are_none() -> None:
    first, last = report(wall_s=1.0), report(wall_s=2.0)
    assert worker_lag.rates(first, last)["stolen_share"] is None
    assert worker_lag.rates(first, last)["late_cpu_share"] is None
    assert set(worker_lag.rates(None, None).values()) == {None}
    first, last = (dataclasses.replace(one, lag=None) for one in (first, last))
    assert set(worker_lag.rates(first, last).values()) == {None}


def test_late_cpu_share_without_late_time_is_unknown() -> None:
    quiet = {"late_s": 0.0, "late_cpu_s": 0.0}
    rates = worker_lag.rates(report(wall_s=1.0, lag=quiet), report(wall_s=2.0, lag=quiet))
    assert rates["late_cpu_share"] is None


def _counted(wall_s: float, connected: int, answered: int = 0, failed: int = 0) -> Report:
    return report(wall_s=wall_s, connected=connected, answered=answered, failures={"closed": failed} if failed else {})


def test_rates_are_over_the_time_between_two_reports() -> None:
    rates = worker_lag.Rates()
    assert rates.update({"a": _counted(5.0, 100)}, 1.0) == (100, 0, 0)
    # Two reports came within one second of the master, and the later one is of 2 s of the worker.
    assert rates.update({"a": _counted(7.0, 500, 30, 4)}, 2.0) == (200, 15, 2)


def test_rates_go_on_in_a_second_without_a_report_and_end_when_none_comes() -> None:
    rates, latest = worker_lag.Rates(), {"a": _counted(5.0, 100)}
    assert [rates.update(latest, 1.0)[0] for _ in range(4)] == [100, 100, 100, 0]


def test_report_just_after_another_one_makes_no_burst() -> None:
    rates = worker_lag.Rates()
    rates.update({"a": _counted(5.0, 100)}, 1.0)
    assert rates.update({"a": _counted(5.01, 110)}, 1.01)[0] == 100
    assert rates.update({"a": _counted(6.0, 200)}, 2.0)[0] == 100


def test_rates_of_the_workers_are_added_up() -> None:
    rates = worker_lag.Rates()
    assert rates.update({}, 1.0) == (0, 0, 0)
    assert rates.update({"a": _counted(1.0, 10), "b": _counted(1.0, 30)}, 1.0)[0] == 40


def test_shortage_of_the_generators_machine_is_no_failure() -> None:
    found = report(failures={"closed": 2, "generator-limit": 5})
    assert (worker_lag.failures(found), worker_lag.limited(found)) == (2, 5)


def test_failures_have_kinds_that_add_up_to_them() -> None:
    """What ended a transaction has failed in a row of its own already, a shortage in it counts once."""
    found = report(failures={"closed": 2, "generator-limit": 5})
    transaction = RowReport(MEASURED, "login", 3, {"generator-limit": 1, "closed": 2}, 0, RowTimes())
    found.rows.append(transaction)
    assert worker_lag.kinds(found) == {"closed": 2}
    assert (worker_lag.failures(found), worker_lag.limited(found)) == (2, 5)
