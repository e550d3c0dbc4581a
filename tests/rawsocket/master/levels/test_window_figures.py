"""Figures of a steady window."""

import pytest

from rawsocket.master.levels.window_figures import missing, pooled, replies_owed, row_in, threshold, worker_in
from rawsocket.master.run import Participant, Run
from rawsocket.master.run_info import RunInfo
from rawsocket.master.steady_window import SteadyWindow, WorkerWindow
from rawsocket.measurement.latencies import Latencies
from rawsocket.measurement.overdue import OverdueTotals
from rawsocket.measurement.report import Messages, RowReport, RowTimes
from rawsocket.verdict.judge import Check
from tests.support.reports import report


def _latencies(**rows: dict[int, int]) -> Latencies:
    found = Latencies()
    found.add(report(rows=rows).rows)
    return found


def test_rows_with_a_limit_of_their_own_are_left_out_of_the_pool() -> None:
    times = _latencies(get={1000: 1}, set={8000: 1})
    assert pooled(times, {"max_p99_ms": 5}, "max_p99_ms", 0.99) == pytest.approx(8.0, rel=0.001)
    assert pooled(times, {"max_p99_ms": 5, "max_p99_ms[set]": 20}, "max_p99_ms", 0.99) == 1.0


def test_connects_have_the_times_of_the_ramp_and_messages_those_of_the_window() -> None:
    ramp, steady = _latencies(connect={2000: 1}, get={7000: 1}), _latencies(get={1000: 1})
    assert row_in("connect", ramp, steady, None, 4, 1).p99_ms == 2.0
    found = row_in("get", ramp, steady, None, 4, 1)
    assert (found.p99_ms, found.messages_s, found.events, found.failures) == (1.0, None, 4, 1)


def test_row_has_its_time_from_sent_unless_it_is_of_connections_or_a_figure_of_the_scenarios_own() -> None:
    steady = _latencies(get={1000: 1})
    steady.add([RowReport("MEASURED", "buy", 1, times=RowTimes(due=[[9000, 1]]), judged=False)])
    ramp = _latencies(connect={2000: 1})
    found = {name: row_in(name, ramp, steady, None, 1, 0) for name in ("get", "buy", "connect")}
    assert {name: row.sent_p99_ms for name, row in found.items()} == {"get": 1.0, "buy": None, "connect": None}
    assert [name for name, row in found.items() if not row.judged] == ["buy"]


def test_rate_of_a_row_is_that_of_its_successes() -> None:
    window = SteadyWindow(0.0)
    window.open({"a": report(wall_s=0.0, rows={"get": {1000: 10}})})
    window.add("a", report(wall_s=2.0, rows={"get": {1000: 30}}), 0.0, at_stop=False)
    assert row_in("get", Latencies(), Latencies(), window, 30, 0).messages_s == 10.0


def test_worker_of_a_window() -> None:
    own = Participant("a", state="running", users=3, report_at_stop=report(held=3), name="worker 1")
    window = WorkerWindow(report(wall_s=0.0, cpu_s=0.0))
    window.add(report(wall_s=2.0, cpu_s=1.0))
    found = worker_in(own, window)
    assert (found.label, found.held, found.cpu_share) == ("worker 1", 3, 0.5)


def test_messages_that_need_a_reply() -> None:
    messages = Messages(answered=5, unanswered=3, unanswered_by={"client": 2}, unsent={"stopped": 1, "reset": 4})
    assert replies_owed(messages, OverdueTotals(count=2)) == 5 + 1 + 4 + 2


def test_replies_are_missing_if_they_took_longer_than_any_other() -> None:
    run = Run(RunInfo())
    overdue = OverdueTotals(9, 5.0, {5_000_000: 2, 500_000: 7})
    assert missing(run, overdue) == 2
    run.slowest_reply_us = 6_000_000
    assert missing(run, overdue) == 0


def test_threshold_of_a_level_says_where() -> None:
    found = threshold(Check("max_p99_ms", 20, 31.0, False, "at 600 users"))
    assert (found["where"], found["unit"]) == ("at 600 users", "ms")
    assert found["text"] == "at 600 users: the p99 latency from due was 31 ms; at most 20 ms were allowed"
    assert "where" not in threshold(Check("max_p99_ms", 20, 31.0, False))
