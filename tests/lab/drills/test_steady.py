"""What a steady state is: seconds of a run as its master says them."""

from typing import Any

import pytest

from lab.drills import steady
from lab.drills.drill import Before


def _second(**more: Any) -> dict[str, Any]:
    return {"held": 9, "wanted": 9, "p99_ms": 2.0, "failures": 3, "messages_s": 4.0, **more}


STEADY = [_second()] * steady.STEADY_S


def test_seconds_in_a_row_that_hold_are_steady() -> None:
    assert steady.why_not([_second(held=0), *STEADY], 1000) == ""
    assert steady.why_not([_second(p99_ms=None)] * 5, 1000) == ""
    assert steady.why_not([_second(p99_ms=9e9)] * 5, None) == ""


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (_second(held=8), "8 of 9 connections held"),
        (_second(held=0, wanted=0), "0 of 0 connections held"),
        (_second(p99_ms=1500), "p99 was 1500 ms, its objective is 1000 ms"),
        (_second(failures=5), "2 failures in its last 5 s"),
    ],
)
def test_reasons_why_a_run_is_not_steady(last: dict[str, Any], why: str) -> None:
    assert steady.why_not([*STEADY, last], 1000) == why


def test_too_few_seconds_are_not_steady() -> None:
    assert steady.why_not(STEADY[1:], 1000) == "4 s of the 5 s that have to be steady"


def test_what_was_there_before_the_fault() -> None:
    assert steady.before([_second(p99_ms=7), *STEADY[1:], _second(messages_s=9.0)]) == Before(9, 9, 5.0, 2.0)
