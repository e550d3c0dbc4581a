"""A worker is frozen for longer than the master waits for it; one that is left frozen is noticed."""

from pathlib import Path

import pytest

from lab.drills.processes.worker_frozen import WorkerFrozen
from tests.support.drill_stages import stage
from tests.support.drilled import drilled, measured


def test_lease_is_taken_before_the_fault() -> None:
    found, lab = stage()
    with WorkerFrozen().injected(found):
        assert lab.said == ["lease ['worker-1']", "freeze worker-1"]
    assert lab.said[2:] == ["thaw worker-1", "healed"]


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "worker-frozen", WORKERS="2")
    assert code == 0, document["reasons"]
    assert measured(document)["held_min"] == 4
