"""The table of causes, and those that no other file has."""

from typing import Any

import pytest

from rawsocket.verdict.causes.cause import CAUSES, cause
from rawsocket.verdict.judge import Check, Levels
from tests.rawsocket.verdict.causes import test_generator, test_server
from tests.support.known_facts import (
    FAILED,
    FULL,
    GONE,
    LATE,
    LOST,
    RAISED,
    SATURATED,
    Case,
    check,
    counted,
    known,
    measured,
)

CASES: list[Case] = [
    (
        "level",
        known(measured(levels=Levels((LATE,), missed=("late",), line="holds 500 users; at 600 users: late"))),
        "Holds 500 users; at 600 users: late",
    ),
    (
        "threshold",
        known(checks=[Check("min_held", 60, 60, True), LATE]),
        "The p99 latency from due was 1.53 s; at most 1 s was allowed",
    ),
    ("ledger", known(unexplained=["ledger, messages: 1 unexplained"]), "Ledger, messages: 1 unexplained"),
    ("ledger", known(ledger=["the server's counters are unknown"]), "The server's counters are unknown"),
    (
        "not-measured",
        known(checks=[Check("max_p99_ms", 1000, None, None)]),
        "P99 latency from due could not be measured",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_cause_by_what_the_figures_know(case: Case) -> None:
    check(case)


def test_each_row_of_the_table_has_a_case() -> None:
    cases = {name for name, _, _ in (*test_generator.CASES, *test_server.CASES, *CASES)}
    assert {name for name, _ in CAUSES} == cases


@pytest.mark.parametrize("outcome", ["pass", "fail", "unknown"])
def test_run_that_passes_has_no_cause_whatever_was_seen(outcome: str) -> None:
    found = cause(outcome, known(counts=counted(20, FULL)))
    assert (found is None) is (outcome == "pass")


def test_nothing_known_is_no_cause() -> None:
    assert cause("fail", known()) is None


@pytest.mark.parametrize(
    ("first", "others"),
    [
        # A crash explains broken replies, lost connections and late replies.
        ("server-gone", {**GONE, "checks": [FAILED, LATE]}),
        (
            "generator-saturated",
            {"figures": measured(workers=SATURATED), "counts": counted(20, FULL), "checks": [LATE]},
        ),
        ("wrong-replies", {"figures": measured(wrong=1, workers=SATURATED)}),
        ("worker-lost", {"figures": measured(wrong=1, workers=LOST), **GONE}),
        ("server-full", {"counts": counted(20, FULL), "checks": [FAILED, LATE]}),
        ("scenario", {"figures": measured(scenario_errors=(RAISED,), workers=LOST), **GONE}),
    ],
)
def test_cause_that_explains_more_comes_first(first: str, others: dict[str, Any]) -> None:
    found = cause("fail", known(**others))
    assert found is not None
    assert found.name == first
