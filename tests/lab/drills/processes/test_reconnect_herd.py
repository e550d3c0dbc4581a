"""All clients come back at the same time: their attempts are bounded."""

from pathlib import Path

import pytest

from lab.drills.processes.reconnect_herd import ReconnectHerd
from tests.support.drill_stages import BEFORE, bounds, stage
from tests.support.drilled import drilled, measured


def test_prediction_is_of_attempts() -> None:
    found = bounds(ReconnectHerd().expects(stage()[0], BEFORE))
    assert found["peak_connects_s"] == (None, 600)
    assert found["attempts_per_user"] == (1, pytest.approx(7.39, abs=0.01))


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "reconnect-herd")
    assert code == 0, document["reasons"]
    assert measured(document)["lost"] in (8, 9)


def test_fault_is_in_effect_before_the_restart() -> None:
    found, lab = stage()
    with ReconnectHerd().injected(found):
        assert lab.began == [["kill server"]]
