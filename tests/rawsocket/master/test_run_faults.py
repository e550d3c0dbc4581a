import logging

import pytest

from rawsocket.master.run_faults import RunFaults
from rawsocket.measurement.report import Report, ScenarioError

TOKEN = ScenarioError("KeyError", "mine.py:9 in session()", "'token'", 3)


def test_new_kind_of_exception_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    faults = RunFaults()
    for _ in range(2):
        faults.take("a", Report(scenario_errors=[TOKEN]))
        faults.take("b", Report(scenario_errors=[TOKEN]))
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("the scenario raised KeyError at mine.py:9 in session(): 'token' (first on worker a")


def test_exceptions_of_workers_and_master_are_added_up() -> None:
    faults = RunFaults()
    faults.add_error(ValueError("here"))
    errors = faults.errors([Report(scenario_errors=[TOKEN]), Report(scenario_errors=[TOKEN])])
    assert [(one.type, one.count) for one in errors] == [("KeyError", 6), ("ValueError", 1)]


def test_reason_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    faults = RunFaults()
    with caplog.at_level(logging.ERROR):
        faults.add("the master's task 'clock' died")
    assert faults.reasons == ["the master's task 'clock' died"]
    assert "clock" in caplog.text
