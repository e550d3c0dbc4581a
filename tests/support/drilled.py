"""Drills in runs of local processes with few users, in a folder of the test's own."""

import json
from pathlib import Path
from typing import Any

import pytest

import lab.__main__ as command
from lab import folders
from tests.support.busy_machine import TOLERANT, TRIES, is_busy

USUAL = {"ENGINE": "native", "USERS": "8", "RATE": "100", "EVERY": "0.2", "WORKERS": "1", "RECOVER": "30s"}
#: A fault of this length is long enough to be measured.
SHORT = {"FOR": "2s"}


def drilled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, wanted: int = 0, **more: str
) -> tuple[int, dict[str, Any]]:
    """Run a drill; return its exit code, and verdict.json.

    If the code is another one, and other programs kept the workers or the server from running, the drill runs again.
    """
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    for variable, value in {**USUAL, **TOLERANT, **more}.items():
        monkeypatch.setenv(variable, value)
    for _ in range(TRIES):
        code = command.main(["drill", name])
        document = json.loads((tmp_path / "runs/latest/verdict.json").read_text())
        if code == wanted or not (is_busy(document) or _slow(document)):
            break
    return code, document


def _slow(document: dict[str, Any]) -> bool:
    """Whether replies took more than 10 ms before the fault, so that other programs have slowed down the server.

    A drill allows for 20 ms more than before, or for twice as much.
    """
    predicted = document.get("drill", {}).get("predicted") or []  # none if the load never held steadily
    limits = [one["most"] for one in predicted if one["figure"] == "typical_p99_ms"]
    return any(limit > 30 for limit in limits)


def measured(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the drill has measured."""
    found: dict[str, Any] = document["drill"]["measured"]
    return found
