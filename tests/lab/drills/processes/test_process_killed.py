"""One of the server's processes is killed: what it held is lost, and no more."""

import signal
from pathlib import Path

import pytest

from lab.drills.processes import serving
from lab.drills.processes.process_killed import ProcessKilled
from lab.errors import LabError
from tests.support.drill_stages import BEFORE, bounds, settings, stage
from tests.support.drilled import drilled, measured


def test_prediction_is_what_the_process_holds() -> None:
    found = bounds(ProcessKilled().expects(stage(held={0: 33, 1: 67})[0], BEFORE))
    assert (found["lost"], found["held_min"]) == ((33, 33), (67, None))


def test_it_needs_processes() -> None:
    assert ProcessKilled().unfit(settings()) == "it needs a server of several processes: PROCESSES=4"


def test_process_is_killed_and_its_successor_awaited() -> None:
    found, lab = stage(held={0: 50, 1: 50})
    with ProcessKilled().injected(found):
        assert lab.said == [f"{signal.SIGKILL} to 10"]
    assert lab.pids == {0: 110, 1: 11}


def test_process_without_a_successor_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    found, lab = stage(held={0: 50, 1: 50})
    monkeypatch.setattr(serving, "BACK_S", 0.0)
    monkeypatch.setattr(lab, "signal_server", lambda pid, number: None)
    with pytest.raises(LabError, match="the successor of process 0: not ready"), ProcessKilled().injected(found):
        pass


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "process-killed", PROCESSES="2")
    assert code == 0, document["reasons"]
    assert measured(document)["lost"] == 4
