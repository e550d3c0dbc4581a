"""The arithmetic of a drill: a run of made-up seconds, a fault at 10 s that is healed at 15 s."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from rawsocket.verdict.drills import recovery
from rawsocket.verdict.drills.prediction import Expected, Marks
from rawsocket.verdict.drills.recovery import NOT_RECOVERED, RECOVERED, UNKNOWN, UNSTEADY, Second

MARKS = Marks("x", "a fault", 5.0, p99_ms=1000, wanted=100, injected=10.0, healed=15.0)


def _seconds(held: Iterable[int], **more: Iterable[float]) -> list[Second]:
    """Return seconds from 8 s on; a count that is not given stays 0."""
    rows = zip(held, more.get("p99", [1.0] * 99), more.get("attempted", [100] * 99), strict=False)
    return [Second(8.0 + at, now, p99, int(tried)) for at, (now, p99, tried) in enumerate(rows)]


def _with_drops(seconds: list[Second], **drops: dict[float, int]) -> list[Second]:
    """Add drops by name: how many happened by which time."""
    return [
        replace(one, dropped={name: sum(n for at, n in when.items() if at <= one.at_s) for name, when in drops.items()})
        for one in seconds
    ]


def test_recovery_is_counted_from_healing_until_enough_are_held() -> None:
    seconds = _seconds([100, 100, 100, 0, 0, 0, 0, 0, 40, 80, 98, 99, 100, 100, 100, 100, 100, 100])
    assert recovery.recovered_at(seconds, 15.0, 100, 1000) == 19.0
    assert recovery.measure(seconds, 10.0, 15.0, MARKS)["recover_s"] == 4.0


def test_recovery_needs_p99_to_meet_its_objective() -> None:
    seconds = _seconds([100] * 20, p99=[1.0] * 7 + [5000.0] * 3 + [900.0] * 10)
    assert recovery.recovered_at(seconds, 15.0, 100, 1000) == 18.0
    assert recovery.recovered_at(seconds, 15.0, 100, None) == 15.0


def test_recovery_lasts_for_its_seconds_or_begins_anew() -> None:
    seconds = _seconds([100] * 7 + [100, 100, 100, 50, 100, 100, 100, 100, 100, 100])
    assert recovery.recovered_at(seconds, 15.0, 100, None) == 19.0
    assert recovery.recovered_at(seconds[:-1], 15.0, 100, None) is None


def test_silent_users_have_no_p99_to_meet() -> None:
    assert recovery.good(Second(1.0, 99, None), 100, 10.0)
    assert not recovery.good(Second(1.0, 98, None), 100, 10.0)


def test_lost_connections_and_the_time_to_notice() -> None:
    seconds = _with_drops(_seconds([100] * 20), reset={9.0: 3, 11.0: 50, 12.0: 48, 13.0: 2}, closed={12.0: 1})
    found = recovery.measure(seconds, 10.0, 15.0, MARKS)
    assert (found["lost"], found["notice_p50_s"], found["notice_p99_s"]) == (101, 2.0, 3.0)
    assert (found["dropped.reset"], found["dropped.closed"]) == (100, 1)


def test_without_a_loss_there_is_nothing_to_notice() -> None:
    found = recovery.measure(_seconds([100] * 20), 10.0, 15.0, MARKS)
    assert (found["lost"], found["notice_p50_s"], found["attempts_per_user"]) == (0, None, None)
    assert found["held_min"] == 100


def test_loss_that_is_reported_after_healing_counts() -> None:
    """Reports come a second late, and a loss may be made good between two of them."""
    seconds = _with_drops(_seconds([100] * 20), closed={16.0: 7})
    found = recovery.measure(seconds, 14.9, 15.0, MARKS)
    assert (found["lost"], found["recover_s"]) == (7, 0.0)


def test_overshoot_and_attempts() -> None:
    tried = [100, 100, 100, 100, 150, 400, 500, *[500] * 20]
    seconds = _with_drops(_seconds([100] * 20, attempted=tried), closed={11.0: 100})
    found = recovery.measure(seconds, 10.0, 15.0, MARKS)
    assert (found["peak_connects_s"], found["attempts_per_user"]) == (250.0, 4.0)


def test_fault_that_is_never_healed() -> None:
    found = recovery.measure(_seconds([100, 100, 100, 0, 0, 0]), 10.0, None, MARKS)
    assert (found["recover_s"], found["held_min"]) == (None, 0)


def test_messages_during_the_fault_and_the_worst_p99() -> None:
    seconds = [Second(at, 100, p99, messages=sent) for at, p99, sent in ((9, 1, 0), (12, 7, 30), (15, 4000, 60))]
    found = recovery.measure(seconds, 9.0, 15.0, MARKS)
    assert (found["messages_s"], found["peak_p99_ms"]) == (10.0, 4000)


@pytest.mark.parametrize(
    ("weighted", "share", "value"),
    [([], 0.5, None), ([(1.0, 0)], 0.5, None), ([(1.0, 99), (9.0, 1)], 0.99, 1.0), ([(9.0, 2), (1.0, 98)], 0.99, 9.0)],
)
def test_quantile_of_weights(weighted: list[tuple[float, int]], share: float, value: float | None) -> None:
    assert recovery.quantile(weighted, share) == value


MEASURED = {"lost": 100, "recover_s": 4.0}


def test_prediction_that_holds_is_a_recovery() -> None:
    marks = replace(MARKS, predicted=(Expected("lost", 100, 100), Expected("recover_s", most=5)))
    outcome, reasons = recovery.judge(marks, MEASURED)
    assert outcome == RECOVERED
    assert reasons == ["100 lost, as predicted; recovered 4.0 s after the fault was healed"]


@pytest.mark.parametrize(
    ("expected", "measured", "reason"),
    [
        (Expected("lost", 90, 99, "it held them"), MEASURED, "lost: 100 connections, predicted 90 to 99 connections"),
        (Expected("recover_s", most=3), MEASURED, "recover_s: 4 s, predicted at most 3 s"),
        (Expected("recover_s", most=3), {"lost": 0, "recover_s": None}, "recover_s: it did not recover while it was"),
        (Expected("lost", 0, 0), {"lost": 0, "recover_s": None}, "recover_s: it did not recover while it was watched"),
        (Expected("own.cap", least=5), MEASURED, "own.cap: not measured, predicted at least 5"),
        (Expected("dropped.reset", least=5), MEASURED, "dropped.reset: 0 connections, predicted at least 5"),
    ],
)
def test_prediction_that_does_not_hold(expected: Expected, measured: dict[str, float | None], reason: str) -> None:
    outcome, reasons = recovery.judge(replace(MARKS, predicted=(expected,)), measured)
    assert outcome == NOT_RECOVERED
    assert reasons[0].startswith(reason)


def test_failure_that_did_not_happen_counts_as_0() -> None:
    assert recovery.judge(replace(MARKS, predicted=(Expected("failed.refused", 0, 0),)), MEASURED)[0] == RECOVERED


def test_lost_workers_are_named_and_have_to_be_predicted() -> None:
    assert recovery.judge(MARKS, MEASURED, ["worker 2"]) == (
        NOT_RECOVERED,
        ["workers lost: worker 2; predicted: none"],
    )
    outcome, reasons = recovery.judge(replace(MARKS, unknown=1), MEASURED, ["worker 2"])
    assert (outcome, reasons[1]) == (RECOVERED, "unknown, as predicted: what worker 2 did")


def test_no_steady_state_beforehand() -> None:
    assert recovery.judge(replace(MARKS, unsteady="3 of 9 connections held"), {})[0] == UNSTEADY
    assert recovery.judge(replace(MARKS, injected=None), {}) == (UNSTEADY, ["the run ended before the fault came"])


def test_drill_that_failed_and_a_ledger_that_does_not_close() -> None:
    assert recovery.judge(replace(MARKS, trouble="no such process"), {}) == (NOT_RECOVERED, ["no such process"])
    assert recovery.judge(MARKS, MEASURED, (), ["7 replies are missing"]) == (NOT_RECOVERED, ["7 replies are missing"])


def test_document_has_each_prediction_with_what_was_measured() -> None:
    marks = replace(MARKS, predicted=(Expected("lost", 0, 0, "why"),), findings=("a finding",))
    found = recovery.document(marks, _seconds([100] * 20), (10.0, 15.0))
    assert found["predicted"] == [{"figure": "lost", "least": 0, "most": 0, "why": "why", "actual": 0, "ok": True}]
    assert (found["outcome"], found["findings"]) == (RECOVERED, ["a finding"])
    assert recovery.document(replace(marks, unsteady="why"), [], (None, None))["measured"] == {}


def test_typical_latency_is_that_of_most_seconds() -> None:
    assert recovery.typical([2.0, None, 900.0, 3.0]) == 3.0
    assert recovery.typical([None]) is None


def test_fault_that_could_not_be_brought_about_is_unknown() -> None:
    outcome, reasons = recovery.judge(replace(MARKS, injected=None, impossible="it could not be paused"), {})
    assert (outcome, reasons) == (UNKNOWN, ["the fault could not be brought about: it could not be paused"])


def test_missed_prediction_is_unknown_where_a_worker_was_the_bottleneck() -> None:
    marks, doubts = replace(MARKS, predicted=(Expected("lost", 5, 5),)), ["worker 1 was late by 90 ms"]
    outcome, reasons = recovery.judge(marks, MEASURED, (), (), doubts)
    assert (outcome, reasons[0]) == (UNKNOWN, doubts[0])
    assert reasons[1].startswith("lost: ")
    assert recovery.judge(MARKS, MEASURED, (), (), doubts)[0] == RECOVERED


def test_worker_that_was_the_bottleneck_excuses_no_difference_and_no_fault_that_is_left() -> None:
    marks, doubts = replace(MARKS, predicted=(Expected("lost", 5, 5),)), ["worker 1 was late by 90 ms"]
    assert recovery.judge(marks, MEASURED, (), ["7 replies are missing"], doubts)[0] == NOT_RECOVERED
    assert recovery.judge(replace(marks, trouble="still frozen"), MEASURED, (), (), doubts)[0] == NOT_RECOVERED


def test_worker_that_the_drill_itself_makes_late_is_no_excuse() -> None:
    marks, doubts = replace(MARKS, predicted=(Expected("lost", 5, 5),), disturbed=1), ["worker 1 was late by 5 s"]
    assert recovery.judge(marks, MEASURED, (), (), doubts)[0] == NOT_RECOVERED
    assert recovery.judge(marks, MEASURED, (), (), [*doubts, "worker 2 was late by 90 ms"])[0] == UNKNOWN


def test_time_that_the_engine_takes_is_no_time_to_notice() -> None:
    seconds = _with_drops(_seconds([100] * 24), closed={12.0: 3, 14.0: 97})
    found = recovery.measure(seconds, 13.0, 18.0, MARKS, 10.0)
    assert (found["lost"], found["notice_p50_s"], found["notice_p99_s"]) == (100, 1.0, 1.0)
    assert recovery.measure(seconds, 13.0, 18.0, MARKS)["lost"] == 97


def test_figures_of_the_fault_are_of_its_seconds_alone() -> None:
    seconds = _seconds([100] * 24, p99=[500.0] * 6 + [1.0] * 18)
    assert recovery.measure(seconds, 13.0, 18.0, MARKS, 10.0)["typical_p99_ms"] == 1.0
