import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import pytest

from locustfiles.churn import Churn
from rawsocket.engine import deadlines as sweeper
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from tests.support import echo
from tests.support.local_run import Run, wait_until


@pytest.fixture(autouse=True)
def fresh() -> None:
    RECORDER.begin_run()


def test_users_connect_and_disconnect():
    with echo.running("echo") as (host, port):
        run = Run(Churn, f"tcp://{host}:{port}", users=3, every=0.02)
        wait_until(lambda: RECORDER.answered > 10)
        run.stop()
    assert RECORDER.failures == 0
    assert RECORDER.reconnects == 0
    assert RECORDER.connected == RECORDER.closed == RECORDER.sent
    assert run.row("connect") == RECORDER.connected
    assert not Churn.holds


def test_refused_users_retry_at_their_next_slot(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweeper, "SETTLES_AFTER", 30.0)  # a refusal may take long on a busy machine
    with echo.running("full") as (host, port):
        run = Run(Churn, f"tcp://{host}:{port}", users=2, every=0.02)
        wait_until(lambda: RECORDER.failed.get("server-full", 0) > 5)
        run.stop()
    assert set(BATCH) == {"connect", "reconnect", "message"}
    assert RECORDER.dropped == {}


def test_message_of_a_failed_connect_is_due_and_unsent():
    run = Run(Churn, "tcp://127.0.0.1:1", users=2, every=0.02)
    wait_until(lambda: RECORDER.unsent.get("refused", 0) > 5)
    run.stop()
    assert RECORDER.sent == 0
    assert run.errors == []


@pytest.mark.parametrize("every", [0.02, 0.0])
def test_latency_from_due_includes_the_connect(every: float):
    with echo.running("echo") as (host, port):
        run = Run(Churn, f"tcp://{host}:{port}", users=1, every=every)
        wait_until(lambda: RECORDER.answered > 5)
        run.stop()
    [times] = [row.times for row in RECORDER.report().rows if row.name == "message"]
    assert (sum(us * n for us, n in times.due) > sum(us * n for us, n in times.sent)) == (every > 0)
