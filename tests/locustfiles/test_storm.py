import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import time

import pytest

from locustfiles import storm
from locustfiles.storm import Storm
from rawsocket.measurement.recorder import RECORDER
from tests.support import echo
from tests.support.local_run import Run, wait_until


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    RECORDER.begin_run()
    monkeypatch.setattr(storm, "CALM", 0.05)


def test_all_connections_drop_at_once_and_the_recovery_is_reported():
    with echo.running("echo") as (host, port):
        run = Run(Storm, f"tcp://{host}:{port}", users=10, every=1)
        wait_until(lambda: RECORDER.held == 10)
        assert RECORDER.storms == {}  # not before all are there
        RECORDER.all_there = time.time()
        wait_until(lambda: any(back == dropped == 10 for dropped, back, _ in RECORDER.storms.values()))
        run.stop()
    first = min(RECORDER.storms)
    dropped, back, seconds = RECORDER.storms[first]
    assert (dropped, back) == (10, 10)
    assert 0 < seconds < 30
    assert RECORDER.failures == 0
    assert RECORDER.reconnects == 0
    assert RECORDER.answered >= 20  # each connection is proved by a reply
    assert not Storm.holds
