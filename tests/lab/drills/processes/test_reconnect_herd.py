"""All clients come back at the same time: their attempts are bounded."""

from pathlib import Path

import pytest

from lab.drills.processes.reconnect_herd import ReconnectHerd, ReconnectHerdNoJitter
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


def test_prediction_without_jitter() -> None:
    """Attempts 0.5, 1.5 and 3.5 s after the loss, and one more after the restart; each worker's in one report."""
    found = bounds(ReconnectHerdNoJitter().expects(stage(RECONNECT_JITTER="no", WORKERS="2")[0], BEFORE))
    assert found["lost"] == (100, 100)
    assert found["peak_connects_s"] == (25, 400)
    assert found["attempts_per_user"] == (1, 4)
    assert found["recover_s"] == (None, 9.5)


def test_arithmetic_holds_without_jitter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "reconnect-herd-no-jitter")
    assert code == 0, document["reasons"]
    assert measured(document)["lost"] == 8
    assert measured(document)["peak_connects_s"] >= 4
