"""A wall clock that jumps, by NTP or by hand, changes no figure and no verdict: everything measures monotonic time."""

import itertools
import time
from typing import Any

import pytest

from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.session_user import SessionUser
from rawsocket.users.steps import Connect, Request, Wait
from rawsocket.wire.framing import Line
from tests.support import echo
from tests.support.controllers import controller_bench
from tests.support.local_run import Run, wait_until

DAY = 86_400.0
_real = time.time


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the wall clock is a day before or after the last one."""
    ways = itertools.cycle((DAY, -DAY, -3 * DAY, 0.0))
    monkeypatch.setattr(time, "time", lambda: _real() + next(ways))


def _judged(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    with controller_bench(monkeypatch) as bench:
        bench.add_worker("a")
        bench.add_worker("b")
        bench.start()
        for _ in range(8):
            bench.second(held=5)
        return bench.stop(connected=5)


def test_verdict_and_figures_are_those_of_a_steady_clock(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    steady = _judged(monkeypatch)
    request.getfixturevalue("jumping")
    jumped = _judged(monkeypatch)
    assert jumped["verdict"] == "pass"
    for part in ("verdict", "reasons", "held", "messages", "latency_ms", "generator", "thresholds"):
        assert jumped[part] == steady[part]
    assert jumped["run"]["steady_s"] == steady["run"]["steady_s"]


class Talks(SessionUser):
    framing = Line()

    def session(self) -> Any:
        yield Connect()
        while True:
            yield Request(b"hello", name="hello")
            yield Wait(0.01)


@pytest.mark.usefixtures("fresh_recorder", "long_timeouts", "jumping")
def test_connections_are_held_and_latencies_measured() -> None:
    with echo.running("echo") as (host, port):
        run = Run(Talks, f"tcp://{host}:{port}")
        wait_until(lambda: run.row("hello") >= 30)
        assert (RECORDER.held, run.errors, run.fails("hello")) == (3, [], {})
        times = run.rows["hello"].due
        run.stop()
    assert all(0 <= us < DAY * 1e6 / 2 for us in times)
