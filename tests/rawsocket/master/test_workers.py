import msgpack
import pytest

from rawsocket.master.workers import FRESH_S, Fleet, empty_totals
from rawsocket.measurement import histogram
from rawsocket.measurement.latencies import by_kind
from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.rows import truncate
from rawsocket.worker.lag import Meter
from tests.support.reports import Clock, once, report


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fleet(clock: Clock) -> Fleet:
    fleet = Fleet(clock)
    fleet.begin(["a", "b"])
    return fleet


def test_the_reports_of_these_tests_have_the_form_of_real_ones() -> None:
    real, ours = Recorder().report(), report()
    assert ours.keys() - {"health"} == real.keys()
    assert ours["health"].keys() == Meter().report().keys()
    for table in ("sessions", "connections", "messages", "bytes"):
        assert ours[table].keys() == real[table].keys(), table


def test_held_is_a_sum_of_absolute_values(fleet: Fleet) -> None:
    for held in (10, 40):
        fleet.take("a", report(held=held))
        fleet.take("b", report(held=held + 1))
    assert fleet.held(["a", "b"]) == 40 + 41


def test_a_worker_that_is_not_live_holds_nothing(fleet: Fleet) -> None:
    fleet.take("a", report(held=10))
    fleet.take("b", report(held=20))
    assert fleet.held(["a"]) == 10


def test_a_stale_report_holds_nothing(fleet: Fleet, clock: Clock) -> None:
    fleet.take("a", report(held=10))
    clock.now += FRESH_S - 0.1
    fleet.take("b", report(held=20))
    assert fleet.held(["a", "b"]) == 30
    clock.now += 0.1
    assert fleet.held(["a", "b"]) == 20
    assert fleet.held_by("a") == 0
    assert fleet.age("a") == pytest.approx(FRESH_S)


def test_an_unknown_worker_holds_nothing(fleet: Fleet) -> None:
    assert fleet.held(["stranger"]) == 0


def test_totals_are_the_latest_counts_of_all_and_keep_the_dead(fleet: Fleet) -> None:
    fleet.take("a", report(held=5, answered=10))
    fleet.take("a", report(held=5, answered=30))
    fleet.take("b", report(held=5, answered=7, wrong=1, failures={"closed": 2}))
    totals = fleet.totals()
    assert totals["messages"]["answered"] == 37
    assert totals["messages"]["wrong"] == 1
    assert totals["connections"]["dropped"] == {"closed": 2}
    assert totals["failures"] == 2


def test_totals_add_up_tables_within_tables_and_what_is_held(fleet: Fleet) -> None:
    fleet.take("a", report(held=5, messages={"unsent": {"closed": 2}, "unanswered_by": {"client": 1}, "cut": 1}))
    fleet.take("b", report(held=4, messages={"unsent": {"closed": 1, "stopped": 3}, "pushed": 2}))
    totals = fleet.totals()
    assert (totals["held"], totals["sessions"]) == (9, {"begun": 9, "ended": 0})
    assert totals["messages"]["unsent"] == {"closed": 3, "stopped": 3}
    assert totals["messages"]["unanswered_by"] == {"client": 1}
    assert (totals["messages"]["cut"], totals["messages"]["pushed"]) == (1, 2)


def test_totals_of_nothing() -> None:
    assert Fleet().totals() == empty_totals()


def test_histograms_are_added_up(fleet: Fleet) -> None:
    fleet.take("a", report(rows={"message": {100: 2}}))
    fleet.take("a", report(rows={"message": {100: 1, 300: 1}}))
    fleet.take("b", report(rows={"message": {300: 4}, "connect": {50: 1}}))
    assert by_kind(fleet.latencies.run) == {
        "connect": {50: 1},
        "from_sent": {100: 3, 300: 5},
        "from_due": {100: 3, 300: 5},
        "first_byte": {100: 3, 300: 5},
    }


def test_workers_merge_without_loss(fleet: Fleet) -> None:
    """Two workers' own recorders, with times of their own each, against one histogram of all of these."""
    whole = histogram.new()
    for worker, microseconds in (("a", range(1, 400_000, 97)), ("b", range(5, 9_000_000, 4_999))):
        recorder = Recorder()
        recorder.begin_run()
        for us in microseconds:
            recorder.success("message", ((us + 0.5) / 1e6, 0.001, 0.001), 20)
            whole.record_value(us)
        fleet.take(worker, report(rows={}) | {"rows": msgpack.loads(msgpack.dumps(recorder.report()["rows"]))})
    assert histogram.library(by_kind(fleet.latencies.run)["from_due"]).equals(whole)


def test_fresh_latencies_are_by_kind_and_given_once(fleet: Fleet) -> None:
    rows = {"message": {100: 2}, "connect": {50: 1}, "reconnect": {60: 1}, "drop": {1: 1}}
    fleet.take("a", report(rows=rows, due={"message": {900: 2}}))
    fresh = fleet.fresh_latencies()
    assert (fresh["from_due"], fresh["from_sent"], fresh["connect"]) == ({900: 2}, {100: 2}, {50: 1, 60: 1})
    assert not any(fleet.fresh_latencies().values())


def test_rows_are_summed_by_name(fleet: Fleet) -> None:
    fleet.take("a", report(failures={"closed": 1}, rows={"message": {100: 2}}))
    fleet.take("b", report(failures={"closed": 1, "wrong": 1}, rows={"message": {200: 1}}))
    row = fleet.rows()["TCP", "message"]
    assert row["requests"] == 6
    assert row["failures"] == {"closed": 2, "wrong": 1}
    assert row["times"] == {kind: {100: 2, 200: 1} for kind in ("sent", "due", "first")}


def test_the_next_run_begins_at_zero_and_ignores_what_belongs_to_the_last(fleet: Fleet) -> None:
    fleet.take("a", report(run=1, held=10, answered=5, rows={"message": {100: 5}}))
    fleet.begin(["a"])
    fleet.take("a", report(run=1, held=9, answered=6, rows={"message": {100: 1}}, final=True))
    assert fleet.totals() == empty_totals()
    assert fleet.latencies.run == {}
    assert not fleet.member("a").final
    assert fleet.held(["a"]) == 9  # but it still holds them
    fleet.take("a", report(run=2, held=9, answered=1))
    assert fleet.totals()["messages"]["answered"] == 1


def test_a_worker_with_runs_behind_it_counts_at_a_new_master() -> None:
    fleet = Fleet()
    fleet.take("old", report(run=7, answered=99))
    fleet.begin(["old"])
    fleet.take("old", report(run=8, answered=1))
    assert fleet.totals()["messages"]["answered"] == 1


def test_who_joins_later_takes_part(fleet: Fleet) -> None:
    assert [member.id for member in fleet.participants] == ["a", "b"]
    fleet.take("c", report(run=1))
    assert [member.id for member in fleet.participants] == ["a", "b", "c"]


def test_rates_over_the_window_are_by_the_workers_own_clock(fleet: Fleet) -> None:
    fleet.take("a", report(wall_s=50.0, cpu_s=1.0, answered=100))
    fleet.open_window()
    for second in (1, 2, 3):
        fleet.take("a", report(wall_s=50.0 + second, cpu_s=1.0 + second * 0.4, answered=100 + second * 10))
    fleet.close_window()
    fleet.take("a", report(wall_s=90.0, cpu_s=30.0, answered=900))
    assert fleet.member("a").steady("cpu_s") == pytest.approx(0.4)
    assert fleet.steady_sum("messages", "answered") == pytest.approx(10)
    assert fleet.member("b").steady("cpu_s") is None


def test_nothing_is_steady_without_a_window(fleet: Fleet) -> None:
    fleet.take("a", report(wall_s=1.0))
    fleet.take("a", report(wall_s=2.0))
    assert fleet.steady_sum("messages", "answered") is None


def test_the_steady_histogram_holds_only_the_window(fleet: Fleet) -> None:
    fleet.take("a", report(rows={"message": {9000: 1}}))
    fleet.open_window()
    fleet.take("a", report(rows={"message": {100: 1}}))
    fleet.take("a", report(rows={"message": {7000: 1}}), at_stop=True)
    fleet.stopping()
    fleet.take("a", report(rows={"message": {8000: 1}}))
    assert fleet.latencies.steady == {("TCP", "message"): {kind: {100: 1} for kind in ("sent", "due", "first")}}


FROZEN = Waiting("message", 8.0, once([8.5, 7.5, 6.5]))


def test_what_waits_at_the_stop_is_the_windows_and_is_added_once(fleet: Fleet) -> None:
    fleet.open_window()
    fleet.take("a", report(rows={"message": {100: 1}}))
    fleet.stopping()
    fleet.take("a", report(waiting=[FROZEN]), at_stop=True)
    fleet.take("b", report(waiting=[FROZEN, Waiting("visit", 2.0, once([2.0]))]), at_stop=True)
    fleet.take("a", report(waiting=[FROZEN], final=True))
    fleet.take("b", report(waiting=[FROZEN, Waiting("visit", 2.0, once([2.0]))], final=True))
    ages = {truncate(int(age * 1e6)): 2 for age, _ in FROZEN.ages}
    due = {100: 1, **ages, truncate(2_000_000): 1}
    for times in (by_kind(fleet.latencies.run), by_kind(fleet.latencies.steady), fleet.fresh_latencies()):
        assert times["from_due"] == due
        assert times["from_sent"] == times["first_byte"] == {100: 1}
    assert fleet.waiting() == {"count": 7, "oldest_s": 8.5, "owed": {truncate(8_000_000): 6, truncate(2_000_000): 1}}
    assert fleet.rows()["TCP", "visit"] == {  # none of them has ended
        **{"requests": 0, "failures": {}, "bytes": 0},
        "times": {"sent": {}, "due": {truncate(2_000_000): 1}, "first": {}},
    }
    fleet.begin(["a"])
    assert fleet.waiting() == {"count": 0, "oldest_s": 0.0, "owed": {}}


def test_without_a_window_what_waits_is_not_steady(fleet: Fleet) -> None:
    fleet.take("a", report(rows={"message": {100: 1}}))
    fleet.stopping()
    fleet.take("a", report(waiting=[FROZEN]), at_stop=True)
    assert fleet.latencies.steady == {}
    assert sum(by_kind(fleet.latencies.run)["from_due"].values()) == 4


def test_the_slowest_reply_is_one_of_before_the_stop(fleet: Fleet) -> None:
    fleet.take("a", report(rows={"message": {100: 1}, "connect": {9000: 1}}))
    fleet.stopping()
    fleet.take("a", report(rows={"message": {300: 1}}, due={"message": {9000: 1}}), at_stop=True)
    fleet.take("a", report(rows={"message": {8_000_000: 1}}, final=True))
    assert fleet.latencies.slowest_us == 100


def test_examples_of_wrong_replies_are_of_all_workers(fleet: Fleet) -> None:
    fleet.take("a", report(examples={"wrong": "x"}))
    fleet.take("b", report(examples={"short": "y"}))
    assert fleet.examples() == {"wrong": "x", "short": "y"}


def test_failures_after_stop_was_asked_are_not_held_against_the_run(fleet: Fleet) -> None:
    fleet.take("a", report(failures={"closed": 1}))
    fleet.take("b", report(failures={"closed": 1}))
    fleet.stopping()
    fleet.take("a", report(failures={"closed": 2}), at_stop=True)
    fleet.take("a", report(failures={"closed": 50}, final=True))
    fleet.take("b", report(failures={"closed": 50}, final=True))
    assert fleet.failures_until_stop() == 3
    assert fleet.totals()["failures"] == 100


def test_a_worker_stopped_before_it_began_has_said_its_last(fleet: Fleet) -> None:
    fleet.stopping()
    fleet.take("a", report(run=0, final=True))
    assert fleet.member("a").final


def test_rates_between_the_last_two_reports(fleet: Fleet) -> None:
    member = fleet.member("a")
    assert member.rate("cpu_s") is None
    fleet.take("a", report(wall_s=1.0, cpu_s=0.0, answered=0))
    fleet.take("a", report(wall_s=2.0, cpu_s=0.5, answered=8))
    assert member.rate("cpu_s") == 0.5
    assert member.rate("messages", "answered") == 8
