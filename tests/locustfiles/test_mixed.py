import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import pytest

from locustfiles.mixed import Holder, Visitor
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from tests.support import echo
from tests.support.local_run import Run, wait_until


@pytest.fixture(autouse=True)
def fresh() -> None:
    RECORDER.begin_run()


def test_three_of_four_users_hold_and_one_reconnects():
    with echo.running("echo") as (host, port):
        run = Run([Holder, Visitor], f"tcp://{host}:{port}", users=8, every=0.05)
        wait_until(lambda: run.runner.user_classes_count == {"Holder": 6, "Visitor": 2})
        wait_until(lambda: run.row("held message") > 20 and run.row("visit message") > 10)
        assert RECORDER.held in (6, 7, 8)
        run.stop()
    assert RECORDER.failures == 0
    assert set(BATCH) == {"connect", "held message", "visit message"}
    assert RECORDER.connected == 6 + run.row("visit message") or RECORDER.unanswered
    assert (Holder.holds, Visitor.holds) == (True, False)
