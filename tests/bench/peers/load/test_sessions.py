"""Each session is run by the comparison that measures it."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import settings
from bench.load.contenders import CONTENDERS, SESSION
from bench.load.experiments import LoadBench
from bench.load.features import experiments
from tests.support import slow_echo


@pytest.mark.parametrize(
    ("of", "sessions"),
    [
        (experiments.ids, ("order", "key")),
        (experiments.heartbeats, ("due", "heartbeat")),
        (experiments.conversation, ("python", "described")),
    ],
)
def test_each_session_holds_its_connections_and_sends(
    of: Any, sessions: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments, "SETTLE_S", 0.0)
    chosen = settings.read_load({"CONNECTIONS": "3", "WINDOW": "1s", "RATE": "10"}, {})
    found = of(LoadBench(chosen, slow_echo.program(), tmp_path), CONTENDERS[SESSION], tmp_path)
    assert found["messages"] > 0
    assert {"us", "without_us", "times", "stolen"} <= set(found)
    for session in sessions:
        verdict = json.loads((tmp_path / session / "verdict.json").read_text())
        connections, messages = verdict["connections"], verdict["messages"]
        assert (connections["attempted"], connections["failed"], connections["dropped"]) == (3, {}, {})
        assert (verdict["held"]["peak"], messages["wrong"]) == (3, 0)
        assert messages["answered"] > 10
