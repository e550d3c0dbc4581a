"""A worker is killed: it is unknown what it did, with its name, and the others go on."""

from pathlib import Path

import pytest

from tests.support.drilled import drilled, measured


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "worker-killed", WORKERS="2")
    assert code == 0, document["reasons"]
    assert measured(document)["held_min"] == 4
    (name,) = document["drill"]["unknown"]["measured"]
    assert name in ("worker 1", "worker 2")
    assert document["reasons"][-1] == f"unknown, as predicted: what {name} did"
