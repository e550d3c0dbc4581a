import dataclasses
import math

import msgpack
import pytest

from rawsocket.master.run import Run
from rawsocket.master.workers import Workers
from rawsocket.measurement import histogram
from rawsocket.measurement.overdue import OverdueTotals, Waiting
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.report import Counts, Report, Sessions
from rawsocket.measurement.stats_rows import truncate
from tests.rawsocket.master.test_timeline import SAMPLE
from tests.support.reports import once, report
from tests.support.runs import open_window, started


@pytest.fixture
def run() -> Run:
    return started("a", "b")


def test_totals_sum_the_latest_counts_of_all_workers(run: Run) -> None:
    run.receive("a", report(held=5, answered=10))
    run.receive("a", report(held=5, answered=30))
    run.receive("b", report(held=5, answered=7, wrong=1, failures={"closed": 2}))
    totals = run.totals()
    assert totals.messages.answered == 37
    assert totals.messages.wrong == 1
    assert totals.connections.dropped == {"closed": 2}
    assert totals.failures == 2


def test_totals_sum_nested_tables_and_held_connections(run: Run) -> None:
    run.receive("a", report(held=5, messages={"unsent": {"closed": 2}, "unanswered_by": {"client": 1}, "cut": 1}))
    run.receive("b", report(held=4, messages={"unsent": {"closed": 1, "stopped": 3}, "pushed": 2}))
    totals = run.totals()
    assert (totals.held, totals.sessions) == (9, Sessions(begun=9, ended=0))
    assert totals.messages.unsent == {"closed": 3, "stopped": 3}
    assert totals.messages.unanswered_by == {"client": 1}
    assert (totals.messages.cut, totals.messages.pushed) == (1, 2)


def test_totals_without_workers_are_zero() -> None:
    assert started().totals() == Counts()


def test_run_sums_histograms(run: Run) -> None:
    run.receive("a", report(rows={"message": {100: 2}}))
    run.receive("a", report(rows={"message": {100: 1, 300: 1}}))
    run.receive("b", report(rows={"message": {300: 4}, "connect": {50: 1}}))
    assert run.latencies.by_kind() == {
        "connect": {50: 1},
        "from_sent": {100: 3, 300: 5},
        "from_due": {100: 3, 300: 5},
        "first_byte": {100: 3, 300: 5},
    }


def test_histograms_of_workers_merge_without_loss(run: Run) -> None:
    """Recorders of two workers with different times, against one histogram of all times."""
    whole = histogram.new()
    for worker, microseconds in (("a", range(1, 400_000, 97)), ("b", range(5, 9_000_000, 4_999))):
        recorder = Recorder()
        recorder.begin_run()
        for us in microseconds:
            recorder.rows["message"].add(((us + 0.5) / 1e6, 0.001, 0.001), 20)
            whole.record_value(us)
        run.receive(worker, Report.from_wire(msgpack.loads(msgpack.dumps(recorder.report().to_wire()))))
    assert histogram.library(run.latencies.by_kind()["from_due"]).equals(whole)


def test_take_second_returns_new_times_by_kind_once(run: Run) -> None:
    rows = {"message": {100: 2}, "connect": {50: 1}, "reconnect": {60: 1}, "drop": {1: 1}}
    run.receive("a", report(rows=rows, due={"message": {900: 2}}))
    second = run.take_second().by_kind()
    assert (second["from_due"], second["from_sent"], second["connect"]) == ({900: 2}, {100: 2}, {50: 1, 60: 1})
    assert not any(run.take_second().by_kind().values())


def test_rows_are_summed_by_name(run: Run) -> None:
    run.receive("a", report(failures={"closed": 1}, rows={"message": {100: 2}}))
    run.receive("b", report(failures={"closed": 1, "wrong": 1}, rows={"message": {200: 1}}))
    row = run.rows()["TCP", "message"]
    assert row.requests == 6
    assert row.failures == {"closed": 2, "wrong": 1}
    assert row.times == {kind: {100: 2, 200: 1} for kind in ("sent", "due", "first")}


def test_next_run_starts_at_zero_and_ignores_reports_of_the_last() -> None:
    workers, first = Workers(), started("a")
    old = report(run=1, held=10, answered=5, rows={"message": {100: 5}})
    workers.receive("a", old)
    first.receive("a", old)
    second = started("a", run_numbers=workers.run_numbers())
    late = report(run=1, held=9, answered=6, rows={"message": {100: 1}}, final=True)
    workers.receive("a", late)
    second.receive("a", late)
    assert second.totals() == Counts()
    assert second.latencies.rows == {}
    assert not second.participant("a").final
    assert workers.held(["a"]) == 9  # the worker still holds them
    second.receive("a", report(run=2, held=9, answered=1))
    assert second.totals().messages.answered == 1
    assert first.totals().messages.answered == 5


def test_new_master_accepts_a_worker_with_earlier_runs() -> None:
    run = started("old", run_numbers={"old": 7})
    run.receive("old", report(run=8, answered=1))
    assert run.totals().messages.answered == 1


def test_late_worker_becomes_a_participant(run: Run) -> None:
    assert [own.id for own in run.participants] == ["a", "b"]
    run.receive("c", report(run=1))
    assert [own.id for own in run.participants] == ["a", "b", "c"]


FROZEN = Waiting("message", 8.0, once([8.5, 7.5, 6.5]))


def test_overdue_messages_count_once_and_in_the_steady_window(run: Run) -> None:
    open_window(run)
    run.receive("a", report(rows={"message": {100: 1}}))
    run.stopping(5.0)
    run.receive("a", report(waiting=[FROZEN]), at_stop=True)
    run.receive("b", report(waiting=[FROZEN, Waiting("visit", 2.0, once([2.0]))]), at_stop=True)
    run.receive("a", report(waiting=[FROZEN], final=True))
    run.receive("b", report(waiting=[FROZEN, Waiting("visit", 2.0, once([2.0]))], final=True))
    ages = {truncate(int(age * 1e6)): 2 for age, _ in FROZEN.ages}
    due = {100: 1, **ages, truncate(2_000_000): 1}
    for times in (run.latencies.by_kind(), run.steady_latencies.by_kind(), run.take_second().by_kind()):
        assert times["from_due"] == due
        assert times["from_sent"] == times["first_byte"] == {100: 1}
    assert run.overdue() == OverdueTotals(7, 8.5, {truncate(8_000_000): 6, truncate(2_000_000): 1})
    visit = run.rows()["TCP", "visit"]
    assert (visit.requests, visit.failures, visit.bytes) == (0, {}, 0)  # none of them has ended
    assert visit.times == {"sent": {}, "due": {truncate(2_000_000): 1}, "first": {}}
    assert started("a").overdue() == OverdueTotals(0, 0.0, {})


def test_overdue_messages_without_a_window_are_not_steady(run: Run) -> None:
    run.receive("a", report(rows={"message": {100: 1}}))
    run.stopping(5.0)
    run.receive("a", report(waiting=[FROZEN]), at_stop=True)
    assert run.steady_latencies.rows == {}
    assert sum(run.latencies.by_kind()["from_due"].values()) == 4


def test_slowest_reply_ignores_replies_after_the_stop(run: Run) -> None:
    run.receive("a", report(rows={"message": {100: 1}, "connect": {9000: 1}}))
    run.stopping(5.0)
    run.receive("a", report(rows={"message": {300: 1}}, due={"message": {9000: 1}}), at_stop=True)
    run.receive("a", report(rows={"message": {8_000_000: 1}}, final=True))
    assert run.slowest_reply_us == 100


def test_examples_of_wrong_replies_come_from_all_workers(run: Run) -> None:
    run.receive("a", report(examples={"wrong": "x"}))
    run.receive("b", report(examples={"short": "y"}))
    assert run.examples() == {"wrong": "x", "short": "y"}


def test_failures_after_the_stop_request_do_not_count_against_the_run(run: Run) -> None:
    run.receive("a", report(failures={"closed": 1}))
    run.receive("b", report(failures={"closed": 1}))
    run.stopping(5.0)
    run.receive("a", report(failures={"closed": 2}), at_stop=True)
    run.receive("a", report(failures={"closed": 50}, final=True))
    run.receive("b", report(failures={"closed": 50}, final=True))
    assert run.failures_until_stop() == 3
    assert run.failure_kinds() == {"closed": 3}
    assert run.totals().failures == 100


def test_worker_stopped_before_its_start_counts_as_final(run: Run) -> None:
    run.stopping(5.0)
    run.receive("a", report(run=0, final=True))
    assert run.participant("a").final


def test_worst_lag_is_of_the_whole_run(run: Run) -> None:
    assert run.participant("a").worst_lag_us is None
    for worst in (500, 900_000, 700):
        run.receive("a", report(lag={"worst_us": worst}))
    assert run.participant("a").worst_lag_us == 900_000


def test_process_without_an_agent_has_no_lag(run: Run) -> None:
    run.receive("a", dataclasses.replace(report(), lag=None))
    assert run.participant("a").worst_lag_us is None


def test_steady_window_ends_with_the_last_sample_before_the_stop(run: Run) -> None:
    for held in (1, 5):
        run.add_sample(dataclasses.replace(SAMPLE, held=held))
    open_window(run)
    for held in (9, 8, 7):
        run.add_sample(dataclasses.replace(SAMPLE, held=held))
    run.stopping(5.0)
    run.add_sample(dataclasses.replace(SAMPLE, held=0))
    assert [sample.held for sample in run.steady_samples] == [9, 8, 7]
    assert run.timeline.peak() == 9
    assert (run.info.steady_from_s, run.info.steady_s) == (2.0, 3.0)


def test_new_ramp_removes_the_steady_window(run: Run) -> None:
    open_window(run)
    run.add_sample(SAMPLE)
    run.ramp_started(4.0)
    run.stopping(5.0)
    assert run.steady_samples == []
    assert (run.info.steady_from_s, run.info.steady_s) == (None, 0.0)


def test_ramp_that_ends_after_the_stop_request_opens_no_window(run: Run) -> None:
    run.stopping(5.0)
    run.ramp_complete(5.1)
    assert run.window is None


def test_shortages_of_the_generators_machine_are_no_failures(run: Run) -> None:
    run.receive("a", report(failures={"closed": 2, "generator-limit": 5}))
    run.stopping(5.0)
    assert (run.failures(), run.failures_until_stop(), run.limited()) == (2, 2, 5)


def shaped(*seconds: tuple[int, int], least: float = math.inf, per_user: int = 1) -> Run:
    """A run under a load shape with these steady seconds: users and held connections."""
    run = started("a", thresholds={"min_held": least}, per_user=per_user)
    run.info.shape = "Steps"
    open_window(run)
    for users, held in seconds:
        run.add_sample(dataclasses.replace(SAMPLE, users=users, held=held))
    return run


@pytest.mark.parametrize(
    ("seconds", "least", "floor"),
    [
        ([(5, 5), (10, 10)], math.inf, (5, 5)),
        ([(5, 5), (10, 8), (15, 15)], math.inf, (8, 10)),
        ([(5, 5), (10, 8)], 7, (5, 5)),
        ([(5, 5), (10, 6)], 7, (6, 7)),
        ([], math.inf, (None, None)),
    ],
)
def test_min_held_under_a_load_shape_is_judged_against_the_users_of_each_second(
    seconds: list[tuple[int, int]], least: float, floor: tuple[int | None, float | None]
) -> None:
    run = shaped(*seconds, least=least)
    assert run.held_floor() == floor
    assert run.limits() == ({} if floor[1] is None else {"min_held": floor[1]})


def test_min_held_under_a_load_shape_considers_all_connections_of_a_user() -> None:
    assert shaped((5, 90), per_user=20).held_floor() == (90, 100)


def test_ramp_of_a_load_shape_pauses_the_steady_window() -> None:
    run = shaped()
    run.open_window(2.0)
    run.add_sample(dataclasses.replace(SAMPLE, users=5, held=5))
    run.ramp_started(4.0)
    run.add_sample(dataclasses.replace(SAMPLE, users=10, held=6))
    run.ramp_complete(5.0)
    run.open_window(6.0)
    run.add_sample(dataclasses.replace(SAMPLE, users=10, held=7))
    run.receive("a", report(rows={"message": {9000: 1}}))
    run.open_window(7.0)
    run.add_sample(dataclasses.replace(SAMPLE, users=10, held=10))
    run.receive("a", report(rows={"message": {100: 1}}))
    run.stopping(10.0)
    assert [sample.held for sample in run.steady_samples] == [5, 10]
    assert run.steady_latencies.rows[("TCP", "message")]["sent"] == {100: 1}
    assert (run.info.steady_from_s, run.info.steady_s) == (2.0, 2.0 + 3.0)
