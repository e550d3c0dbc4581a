import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from types import SimpleNamespace
from typing import Any

import pytest

from rawsocket.engine.config import ConnectionConfig
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.wire.framing import Line


class FakeEngine:
    """Records the shortest timeout and the registered recorders."""

    reactor = connector = None

    def __init__(self) -> None:
        self.deadlines = self
        self.recorders: set[Recorder] = set()
        self.timeout = 0.0

    def at_least(self, timeout: float) -> None:
        self.timeout = timeout


def config(**timeouts: Any) -> tuple[ConnectionConfig, FakeEngine]:
    engine: Any = FakeEngine()
    recorder = Recorder()
    timeouts = {"connect_timeout": 10, "send_timeout": 10, "reply_timeout": 10} | timeouts
    events = SimpleNamespace(listener=None)
    return ConnectionConfig(engine, recorder, recorder.rows, events, Target("a", 1), Line(), **timeouts), engine


def test_config_registers_its_timeout_and_recorder_with_the_engine():
    made, engine = config(reply_timeout=0.5)
    assert engine.timeout == 0.5
    assert engine.recorders == {made.recorder}
    assert made.encode(b"a") == b"a\n"


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), None, "5"])
@pytest.mark.parametrize("name", ["connect_timeout", "send_timeout", "reply_timeout"])
def test_invalid_timeout_is_a_value_error(name: str, seconds: Any):
    with pytest.raises(ValueError, match="a number of seconds above 0"):
        config(**{name: seconds})
