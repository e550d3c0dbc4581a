"""What the levels of a load shape say about their run."""

import dataclasses

import pytest

from rawsocket.verdict.judge import Check, Figures, Levels, Verdict, judge
from rawsocket.verdict.levels.outcome import NONE_HELD, JudgedLevel, outcome
from rawsocket.verdict.saturation import WorkerFigures

FINE = Check("max_p99_ms", 20, 3.0, True)
LATE = Check("max_p99_ms", 20, 31.0, False)
LATE_REASON = "max_p99_ms: the p99 latency from due was 31 ms; at most 20 ms were allowed"


def _passed(number: int, users: int, p99: float = 3.0) -> JudgedLevel:
    checks = (Check("min_held", users, users, True), dataclasses.replace(FINE, actual=p99))
    return JudgedLevel(number, users, f"at {users} users", Verdict("pass", 0, ("2 thresholds met",), checks))


def _late(number: int, users: int, whole: bool = True) -> JudgedLevel:
    checks = (Check("min_held", users, users, True), LATE)
    return JudgedLevel(number, users, f"at {users} users", Verdict("fail", 3, (LATE_REASON,), checks), whole)


def _unknown(number: int, users: int, whole: bool = True) -> JudgedLevel:
    verdict = Verdict("unknown", 4, ("the generator was slow",), ())
    return JudgedLevel(number, users, f"at {users} users", verdict, whole)


def test_growing_steps_tell_the_highest_level_that_passed() -> None:
    found = outcome([_passed(1, 400), _passed(2, 500), _late(3, 600)], 10, growing=True)
    assert found.line == "holds 500 users; at 600 users: the p99 latency from due was 31 ms; at most 20 ms were allowed"
    assert found.missed == ("max_p99_ms: at 600 users: the p99 latency from due was 31 ms; at most 20 ms were allowed",)
    assert found.doubts == ()
    assert outcome([_passed(1, 400), _passed(2, 500)], 2, growing=True).line == "holds 500 users"


def test_first_level_that_fails_decides_in_other_shapes() -> None:
    found = outcome([_passed(1, 100), _late(2, 600), _late(3, 100)], 3, growing=False)
    assert (
        found.line
        == "1 of 3 levels passed; at 600 users: the p99 latency from due was 31 ms; at most 20 ms were allowed"
    )
    assert outcome([_passed(1, 100)], 1, growing=False).line == "1 of 1 level passed"


def test_growing_steps_whose_first_level_fails() -> None:
    found = outcome([_late(1, 100)], 3, growing=True)
    assert found.line == "at 100 users: the p99 latency from due was 31 ms; at most 20 ms were allowed"


def test_doubt_about_a_level_makes_the_run_unknown() -> None:
    found = outcome([_passed(1, 100), _unknown(2, 200), _late(3, 300)], 3, growing=False)
    assert (found.missed, found.doubts) == ((), ("at 200 users: the generator was slow",))


def test_level_that_the_stop_cut_short_counts_only_if_it_failed() -> None:
    assert outcome([_passed(1, 100), _unknown(2, 200, whole=False)], 3, growing=True) == Levels(
        (Check("min_held", 100, 100, True, "at 100 users"), dataclasses.replace(FINE, where="at 100 users")),
        line="holds 100 users; stopped in level 2 of 3",
    )
    assert outcome([_passed(1, 100), _late(2, 200, whole=False)], 3, growing=True).missed
    assert outcome([_unknown(1, 100, whole=False)], 3, growing=True).doubts == (NONE_HELD,)
    assert outcome([], 3, growing=True) == Levels(doubts=(NONE_HELD,), line=NONE_HELD)


def test_thresholds_have_the_figure_of_the_level_that_decides() -> None:
    held, p99 = outcome([_passed(1, 400, 5.0), _passed(2, 500, 4.0)], 2, growing=True).checks
    assert (held.actual, held.where) == (500, "at 500 users")
    assert (p99.actual, p99.where) == (5.0, "at 400 users")
    _, p99 = outcome([_passed(1, 400), _late(2, 500), _passed(3, 400)], 3, growing=False).checks
    assert (p99.ok, p99.where) == (False, "at 500 users")


WORKER = WorkerFigures("x", cpu_share=0.3)
RUN = Figures(attempted=10, workers_wanted=1, workers=(WORKER,))  # without a steady window of its own


@pytest.mark.parametrize(
    ("levels", "verdict", "reasons"),
    [
        (Levels(line="holds 500 users"), "pass", ("holds 500 users",)),
        (Levels(missed=("at 9 users: x",), line="at 9 users: x"), "fail", ("at 9 users: x",)),
        (Levels(doubts=("at 9 users: slow",), line="holds 5 users"), "unknown", ("holds 5 users", "at 9 users: slow")),
    ],
)
def test_levels_take_the_place_of_the_steady_window(levels: Levels, verdict: str, reasons: tuple[str, ...]) -> None:
    judged = judge(dataclasses.replace(RUN, levels=levels), {})
    assert (judged.verdict, judged.reasons) == (verdict, reasons)


def test_wrong_replies_fail_a_run_whose_levels_passed() -> None:
    judged = judge(dataclasses.replace(RUN, levels=Levels(line="holds 500 users"), wrong=2), {})
    assert (judged.verdict, judged.reasons[0]) == ("fail", "holds 500 users")
