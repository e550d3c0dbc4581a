"""The runs over TLS, and connections held by a conversation.

Those of the other sessions (`ids`, `heartbeats` and so on) are in tests/bench/peers/load/test_sessions.py.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import settings
from bench.load.contenders import CONTENDERS, SESSION
from bench.load.experiments import LoadBench
from bench.load.features import experiments
from bench.load.features.experiments import relative
from bench.load.measure import Window
from tests.support import slow_echo


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadBench:
    """With a target that is slow, so that a closed loop needs little CPU."""
    monkeypatch.setattr(experiments, "SETTLE_S", 0.0)
    monkeypatch.setenv("SERVER_BLOCK_MS", "10")
    chosen = settings.read_load({"CONNECTIONS": "10", "WINDOW": "1s", "RATE": "20"}, {})
    return LoadBench(chosen, slow_echo.program(), tmp_path)


def _measure(bench: LoadBench, of: Any) -> dict[str, Any]:
    found: dict[str, Any] = of(bench, CONTENDERS[SESSION], bench.folder / "trial")
    assert {"stolen"} <= set(found)
    return found


def test_runs_over_tls_are_compared_with_runs_over_plain_tcp(bench: LoadBench) -> None:
    found = _measure(bench, experiments.tls)
    assert found["messages"] > 0
    assert {"us", "without_us", "times"} <= set(found)
    targets = [(bench.folder / "trial" / run / "verdict.json").read_text() for run in ("plain", "tls")]
    assert ["tls://127.0.0.1" in text for text in targets] == [False, True]


def test_connections_held_over_tls_give_their_memory(bench: LoadBench) -> None:
    found = _measure(bench, experiments.tls_held)
    assert found["kb"] > 0
    assert found["base_kb"] > 1000


def test_connections_held_by_a_conversation_are_compared_with_a_session_in_python(bench: LoadBench) -> None:
    found = _measure(bench, experiments.conversation_held)
    assert {"kb", "without_kb", "times"} <= set(found)
    runs = [json.loads((bench.folder / "trial" / run / "verdict.json").read_text()) for run in ("python", "described")]
    assert [run["held"]["peak"] for run in runs] == [10, 10]


def test_visits_over_tls_give_handshakes(bench: LoadBench) -> None:
    found = _measure(bench, experiments.tls_handshakes)
    assert found["messages"] > 0
    assert "per_cpu_s" in found  # None on a machine that is too slow for a tick of CPU time


def _window(cpu_s: float, stolen: float = 0.0) -> Window:
    return Window(seconds=1.0, messages=1000, cpu_s=cpu_s, stolen=stolen, busy=1.0)


def test_a_window_is_relative_to_the_one_without_the_feature() -> None:
    found = relative(_window(0.03), _window(0.02, stolen=0.3))
    assert found["times"] == pytest.approx(1.5)
    assert (found["us"], found["without_us"], found["stolen"]) == (30.0, 20.0, 0.3)


def test_nothing_is_relative_to_a_window_without_cpu_time() -> None:
    assert relative(_window(0.03), _window(0.0))["times"] is None
