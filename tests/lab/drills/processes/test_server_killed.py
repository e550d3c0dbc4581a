"""The server is killed and started again: all is lost, and back within the bound; one that stays away is noticed."""

from pathlib import Path

import pytest

from lab.drills.processes.server_killed import ServerKilled
from lab.engines.native.deployment import NativeDeployment
from tests.support.drill_stages import BEFORE, bounds, stage
from tests.support.drilled import drilled, measured


def test_prediction() -> None:
    found = bounds(ServerKilled().expects(stage(5.0)[0], BEFORE))
    assert found["lost"] == (100, 110)
    assert found["recover_s"] == (None, 33.0)  # 4 * 7 + 1, and a little


def test_arithmetic_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code, document = drilled(monkeypatch, tmp_path, "server-killed", FOR="1s")
    assert code == 0, document["reasons"]
    assert measured(document)["held_min"] == 0
    assert measured(document)["lost"] in (8, 9)


def test_server_that_does_not_come_back_is_detected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(NativeDeployment, "restart_server", lambda self: None)
    code, document = drilled(monkeypatch, tmp_path, "server-killed", wanted=3, FOR="1s", RECOVER="3s")
    assert (code, document["drill"]["outcome"]) == (3, "not recovered")
    assert any("it did not recover while it was watched" in reason for reason in document["reasons"])
