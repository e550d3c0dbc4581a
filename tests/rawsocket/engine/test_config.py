import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from typing import Any

import pytest

from rawsocket.engine.config import SWEEPS, Setup
from rawsocket.measurement.locust_stats import Batch
from rawsocket.measurement.recorder import Recorder
from rawsocket.target import Target
from rawsocket.wire.framing import Line


class Sweeper:
    """Notes how often it is to look."""

    reactor = None

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.every = 0.0

    def look_every(self, seconds: float) -> None:
        self.every = seconds


def setup(**timeouts: Any) -> tuple[Setup, Sweeper]:
    sweeper: Any = Sweeper()
    timeouts = {"connect_timeout": 10, "send_timeout": 10, "reply_timeout": 10} | timeouts
    return Setup(sweeper, Batch(sweeper.recorder), Target("a", 1), Line(), **timeouts), sweeper


def test_deadlines_are_looked_at_often_enough_for_the_shortest_timeout():
    made, sweeper = setup(reply_timeout=0.5)
    assert sweeper.every == 0.5 / SWEEPS
    assert made.encode(b"a") == b"a\n"
    assert made.recorder is sweeper.recorder


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), None, "5"])
@pytest.mark.parametrize("name", ["connect_timeout", "send_timeout", "reply_timeout"])
def test_a_timeout_is_a_number_of_seconds(name: str, seconds: Any):
    with pytest.raises(ValueError, match="a number of seconds above 0"):
        setup(**{name: seconds})
