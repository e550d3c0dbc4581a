import pytest

from rawsocket.measurement.report import ScenarioError
from rawsocket.verdict import run_errors

TOKEN = ScenarioError("KeyError", "mine.py:9 in session()", "'token'", 586)


def test_scenario_errors_of_several_processes_are_added_up() -> None:
    other = ScenarioError("ValueError", "mine.py:4 in session()", "no", 3)
    assert run_errors.merged([other, TOKEN, TOKEN]) == [
        ScenarioError("KeyError", "mine.py:9 in session()", "'token'", 1172), other,
    ]  # fmt: skip


def test_reason_names_type_count_and_place() -> None:
    assert run_errors.scenario([TOKEN]) == [
        "the scenario raised KeyError 586 times, first at mine.py:9 in session(): 'token'"
    ]
    once = ScenarioError("KeyError", "x.py:1", "'a'", 1, library=True)
    [reason] = run_errors.scenario([once])
    assert reason.startswith("the load library (no line of the scenario was in the traceback) raised KeyError once")


def test_reason_names_further_places_of_the_same_type() -> None:
    others = [ScenarioError("KeyError", f"mine.py:{line}", "", 1) for line in (1, 2, 3)]
    [reason] = run_errors.scenario([TOKEN, *others])
    assert reason.startswith("the scenario raised KeyError 589 times, first at mine.py:9")
    assert reason.endswith(", also at mine.py:1, and at 2 more places")


def test_reasons_are_bounded() -> None:
    errors = [ScenarioError(f"Error{number}", "mine.py:1", "", 1) for number in range(9)]
    reasons = run_errors.scenario(errors)
    assert len(reasons) == run_errors.TYPES + 1
    assert reasons[-1] == "4 more types of exceptions: see scenario_errors"


def test_shortage_of_the_generator_is_named_with_its_remedy() -> None:
    assert run_errors.generator_limit(0, "") == []
    [doubt] = run_errors.generator_limit(1231, "no source port left")
    assert "1231 times (no source port left)" in doubt
    assert "SOURCES" in doubt


@pytest.mark.parametrize(
    ("own", "theirs", "code"),
    [
        (0, None, 0),
        (3, None, 3),
        (3, 0, 3),
        (0, 3, 3),
        (4, 3, 3),
        (3, 4, 3),
        (0, 1, 1),
        (3, 1, 1),
        (1, 0, 1),
        (4, 7, 7),
        (2, 0, 2),
        (130, 1, 130),
    ],
)
def test_worse_exit_code_stands(own: int, theirs: int | None, code: int) -> None:
    assert run_errors.worse(own, theirs) == code


def test_document_says_which_exit_code_stands() -> None:
    passed = {"verdict": "pass", "exit_code": 0, "reasons": ["3 thresholds met"]}
    assert run_errors.with_exit_code(passed, None) == run_errors.with_exit_code(passed, 0) == passed
    failed = run_errors.with_exit_code(passed, 1)
    assert (failed["verdict"], failed["exit_code"]) == ("fail", 1)
    assert failed["reasons"][0] == "the scenario set the exit code 1, which is worse than the verdict's own, 0"
    missed = run_errors.with_exit_code({"verdict": "fail", "exit_code": 3, "reasons": ["p99"]}, 0)
    assert (missed["verdict"], missed["exit_code"]) == ("fail", 3)
    assert missed["reasons"][1] == "the scenario set the exit code 0; the verdict's own, 3, is worse and stands"
