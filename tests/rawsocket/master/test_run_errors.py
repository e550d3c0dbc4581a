import logging

import pytest

from rawsocket.master.run_errors import RunErrors
from rawsocket.measurement.report import Report, ScenarioError

TOKEN = ScenarioError("KeyError", "mine.py:9 in session()", "'token'", 3)


def test_new_kind_of_exception_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    errors = RunErrors()
    for _ in range(2):
        errors.take("a", Report(scenario_errors=[TOKEN]))
        errors.take("b", Report(scenario_errors=[TOKEN]))
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("the scenario raised KeyError at mine.py:9 in session(): 'token' (first on worker a")


def test_exceptions_of_workers_and_master_are_added_up() -> None:
    errors = RunErrors()
    errors.add_error(ValueError("here"))
    found = errors.of_scenario([Report(scenario_errors=[TOKEN]), Report(scenario_errors=[TOKEN])])
    assert [(one.type, one.count) for one in found] == [("KeyError", 6), ("ValueError", 1)]


def test_reason_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    errors = RunErrors()
    with caplog.at_level(logging.ERROR):
        errors.add("the master's task 'clock' died")
    assert errors.reasons == ["the master's task 'clock' died"]
    assert "clock" in caplog.text
