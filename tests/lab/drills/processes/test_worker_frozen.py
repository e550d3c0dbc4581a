"""A worker is frozen for longer than the master waits for it; one that is left frozen is noticed."""

from pathlib import Path

import pytest

from lab.drills.processes.worker_frozen import WorkerFrozen
from tests.support.drill_stages import BEFORE, settings, stage
from tests.support.drilled import drilled, measured


def test_lease_is_taken_before_the_fault() -> None:
    found, lab = stage()
    with WorkerFrozen().injected(found):
        assert lab.said == ["lease ['worker-1']", "freeze worker-1"]
    assert lab.said[2:] == ["thaw worker-1", "healed"]


def test_worker_that_is_back_soon_is_not_given_up() -> None:
    found, _ = stage(2.0)
    assert (WorkerFrozen().unknown(found), WorkerFrozen().keeps(found, BEFORE)) == (0, 100)


def test_length_for_which_the_outcome_is_chance_is_refused() -> None:
    assert "FOR=4s is chance" in WorkerFrozen().unfit(settings(FOR="4s"))
    assert WorkerFrozen().unfit(settings(FOR="2s")) == WorkerFrozen().unfit(settings()) == ""


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "worker-frozen", WORKERS="2")
    assert code == 0, document["reasons"]
    assert measured(document)["held_min"] == 4
