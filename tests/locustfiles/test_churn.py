import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import pytest

from locustfiles.churn import Churn
from rawsocket import client
from rawsocket.recorder import RECORDER
from tests.support import echo
from tests.support.running import Run, wait_until


@pytest.fixture(autouse=True)
def fresh() -> None:
    RECORDER.begin_run()


def test_users_come_and_go():
    with echo.running("echo") as (host, port):
        run = Run(Churn, f"tcp://{host}:{port}", users=3, every=0.02)
        wait_until(lambda: RECORDER.answered > 10)
        run.stop()
    assert RECORDER.failures == 0
    assert RECORDER.reconnects == 0
    assert RECORDER.connected == RECORDER.closed == RECORDER.sent
    assert run.row("connect") == RECORDER.connected
    assert not Churn.holds


def test_refused_users_come_again_at_their_next_turn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client, "SETTLES_AFTER", 30.0)  # a refusal may take long on a busy machine
    with echo.running("full") as (host, port):
        run = Run(Churn, f"tcp://{host}:{port}", users=2, every=0.02)
        wait_until(lambda: RECORDER.failed.get("server-full", 0) > 5)
        run.stop()
    assert set(RECORDER.rows) == {"connect", "message"}
    assert RECORDER.dropped == {}
