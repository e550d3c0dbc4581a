"""A rolling restart of the server's processes: each connection is lost once, a few twice."""

import signal
from pathlib import Path

import pytest

from lab.drills.processes.processes_rolling import ProcessesRolling
from tests.support.drill_stages import BEFORE, bounds, stage
from tests.support.drilled import drilled, measured


@pytest.mark.parametrize(("processes", "most"), [("2", 152), ("4", 129)])
def test_prediction_is_between_h_and_h_and_a_share(processes: str, most: int) -> None:
    found = bounds(ProcessesRolling().expects(stage(PROCESSES=processes)[0], BEFORE))
    assert found["lost"] == (100, most)


def test_processes_are_ended_one_after_the_other() -> None:
    found, lab = stage(held={0: 50, 1: 50})
    with ProcessesRolling().injected(found):
        assert lab.said == [f"{signal.SIGTERM} to 10", "wait 2", f"{signal.SIGTERM} to 11", "wait 2"]


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "processes-rolling", PROCESSES="2")
    assert code == 0, document["reasons"]
    assert 8 <= measured(document)["lost"] <= 14


def test_fault_is_in_effect_from_the_first_signal() -> None:
    found, lab = stage(held={0: 50, 1: 50})
    with ProcessesRolling().injected(found):
        assert lab.began[0] == [f"{signal.SIGTERM} to 10"]
