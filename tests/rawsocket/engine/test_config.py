import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from types import SimpleNamespace
from typing import Any

import pytest

from rawsocket.engine.config import ConnectionConfig
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.wire.framing import Line


class Engine:
    """Notes how often deadlines are to be checked, and whose times are to be gathered."""

    reactor = connector = None

    def __init__(self) -> None:
        self.deadlines = self
        self.recorders: set[Recorder] = set()
        self.timeout = 0.0

    def at_least(self, timeout: float) -> None:
        self.timeout = timeout


def config(**timeouts: Any) -> tuple[ConnectionConfig, Engine]:
    engine: Any = Engine()
    recorder = Recorder()
    timeouts = {"connect_timeout": 10, "send_timeout": 10, "reply_timeout": 10} | timeouts
    events = SimpleNamespace(listener=None)
    return ConnectionConfig(engine, recorder, recorder.rows, events, Target("a", 1), Line(), **timeouts), engine


def test_deadlines_are_checked_often_enough_for_the_shortest_timeout():
    made, engine = config(reply_timeout=0.5)
    assert engine.timeout == 0.5
    assert engine.recorders == {made.recorder}
    assert made.encode(b"a") == b"a\n"


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), None, "5"])
@pytest.mark.parametrize("name", ["connect_timeout", "send_timeout", "reply_timeout"])
def test_a_timeout_is_a_number_of_seconds(name: str, seconds: Any):
    with pytest.raises(ValueError, match="a number of seconds above 0"):
        config(**{name: seconds})
