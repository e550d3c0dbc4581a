import dataclasses
from typing import Any

import pytest

from rawsocket.master.run import Run
from rawsocket.master.steady_window import WorkerWindow, lowest
from rawsocket.master.worker_lag import cpu_s, delivered
from rawsocket.measurement.report import Report
from tests.rawsocket.master.test_timeline import SAMPLE
from tests.support.reports import report
from tests.support.runs import open_window, started


@pytest.fixture
def run() -> Run:
    return started("a", "b")


def with_lag(lag: dict[int, int], worst: int | None = None, **more: Any) -> Report:
    pairs = [[us, ticks] for us, ticks in lag.items()]
    return report(**more, lag={"lags": pairs, "worst_us": max(lag, default=0) if worst is None else worst})


def steady_lag(run: Run) -> dict[str, float | None]:
    return run.steady("a").lag()


def test_rates_in_the_window_use_the_clock_of_the_worker(run: Run) -> None:
    run.receive("a", report(wall_s=50.0, cpu_s=1.0, answered=100))
    open_window(run)
    for second in (1, 2, 3):
        run.receive("a", report(wall_s=50.0 + second, cpu_s=1.0 + second * 0.4, answered=100 + second * 10))
    run.stopping(5.0)
    run.receive("a", report(wall_s=90.0, cpu_s=30.0, answered=900))
    assert run.window
    assert run.steady("a").rate(cpu_s) == pytest.approx(0.4)
    assert run.window.rate(delivered) == pytest.approx(10)
    assert run.steady("b").rate(cpu_s) is None


def test_window_has_no_rate_before_it_opens(run: Run) -> None:
    run.ramp_complete(0.0)
    for second in (1.0, 2.0):
        run.receive("a", report(wall_s=second))
        run.open_window(second - 0.1)
    assert run.window
    assert run.window.rate(delivered) is None


def test_steady_histogram_has_only_times_of_the_window(run: Run) -> None:
    run.receive("a", report(rows={"message": {9000: 1}}))
    open_window(run)
    run.receive("a", report(rows={"message": {100: 1}}))
    run.receive("a", report(rows={"message": {7000: 1}}), at_stop=True)
    run.stopping(5.0)
    run.receive("a", report(rows={"message": {8000: 1}}))
    assert run.steady_latencies.rows == {("TCP", "message"): {kind: {100: 1} for kind in ("sent", "due", "first")}}


def test_new_window_starts_empty(run: Run) -> None:
    open_window(run)
    run.receive("a", with_lag({80_000: 100}, rows={"message": {100: 1}}))
    run.ramp_started(4.0)
    assert run.steady_latencies.rows == {}
    open_window(run, at=9.0)
    run.receive("a", with_lag({500: 100}))
    assert run.steady_latencies.rows == {}
    assert steady_lag(run) == {"lag_p99_ms": 0.5, "lag_max_ms": 0.5}


def test_steady_lag_is_of_the_window_and_worst_lag_of_the_run(run: Run) -> None:
    assert steady_lag(run) == {"lag_p99_ms": None, "lag_max_ms": None}
    run.receive("a", with_lag({900_000: 1}))
    open_window(run)
    assert steady_lag(run) == {"lag_p99_ms": None, "lag_max_ms": None}
    run.receive("a", with_lag({500: 97, 20_000: 1}))
    run.receive("a", with_lag({500: 97, 30_000: 2, 40_000: 3}, worst=40_007))
    assert steady_lag(run) == {"lag_p99_ms": pytest.approx(40, rel=0.001), "lag_max_ms": 40.007}
    assert run.participant("a").worst_lag_us == 900_000


@pytest.mark.parametrize(("wall_s", "worst_ms"), [(13.5, 3000), (11.0, 0.5)])
def test_lag_in_a_stop_report_counts_only_for_a_long_overdue_worker(run: Run, wall_s: float, worst_ms: float) -> None:
    open_window(run)
    run.receive("a", with_lag({500: 100}, wall_s=10.0))
    run.stopping(5.0)
    run.receive("a", with_lag({3_000_000: 300}, wall_s=wall_s), at_stop=True)
    run.receive("a", with_lag({9_000_000: 900}, wall_s=20.0))
    run.receive("a", with_lag({9_000_000: 900}, wall_s=30.0, final=True))
    assert steady_lag(run)["lag_max_ms"] == worst_ms


def test_lag_in_a_final_report_is_not_steady(run: Run) -> None:
    open_window(run)
    run.receive("a", with_lag({500: 100}, wall_s=10.0))
    run.receive("a", with_lag({9_000_000: 900}, wall_s=11.0, final=True))
    assert steady_lag(run)["lag_max_ms"] == 0.5


def test_lag_between_the_stop_request_and_the_workers_stop_is_steady(run: Run) -> None:
    open_window(run)
    run.receive("a", with_lag({500: 100}, wall_s=10.0))
    run.stopping(5.0)
    run.receive("a", with_lag({60_000: 100}, wall_s=11.0))
    assert steady_lag(run)["lag_max_ms"] == 60


def test_late_worker_is_measured_in_the_steady_window(run: Run) -> None:
    open_window(run)
    run.receive("c", with_lag({500: 100}))
    assert run.steady("c").lag()["lag_p99_ms"] == 0.5


def test_worker_without_a_lag_meter_has_no_lag() -> None:
    window = WorkerWindow()
    window.add_lag(dataclasses.replace(report(), lag=None), 0.0, ending=False)
    assert window.lag() == {"lag_p99_ms": None, "lag_max_ms": None}


def test_closed_window_stays_closed(run: Run) -> None:
    open_window(run)
    run.add_sample(SAMPLE)
    run.stopping(5.0)
    run.add_sample(SAMPLE)
    assert run.window
    run.window.close(9.0)
    assert (len(run.steady_samples), run.window.seconds) == (1, 3.0)


def both_report(run: Run) -> None:
    for worker in ("a", "b"):
        run.receive(worker, report())


def held(run: Run, *counts: int) -> None:
    for count in counts:
        run.add_sample(dataclasses.replace(SAMPLE, held=count))


def test_seconds_count_once_each_worker_has_reported_from_inside_the_window(run: Run) -> None:
    both_report(run)
    open_window(run)
    held(run, 45)
    run.receive("a", report())
    held(run, 50)
    run.receive("b", report())
    held(run, 60, 59)
    assert [sample.held for sample in run.steady_samples] == [60, 59]


def test_a_silent_worker_is_waited_for_three_seconds(run: Run) -> None:
    both_report(run)
    open_window(run)
    run.receive("a", report())
    held(run, 1, 2, 3, 4, 5)
    assert [sample.held for sample in run.steady_samples] == [4, 5]


def test_a_window_too_short_for_a_report_has_its_last_second(run: Run) -> None:
    both_report(run)
    open_window(run)
    held(run, 44, 45)
    assert [sample.held for sample in run.steady_samples] == [45]


def test_lowest_ignores_unknown_values() -> None:
    samples = [dataclasses.replace(SAMPLE, server_held=value, held=held) for value, held in ((None, 9), (7, 8), (9, 7))]
    assert lowest(samples, "server_held") == 7
    assert lowest(samples, "held") == 7
    assert lowest([], "held") is None
