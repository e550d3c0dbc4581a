import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from locustfiles.closed import Closed
from rawsocket.measurement.recorder import RECORDER
from tests.support import echo
from tests.support.local_run import Run, wait_until


def test_users_send_as_soon_as_a_reply_arrives():
    RECORDER.begin_run()
    with echo.running("echo") as (host, port):
        run = Run(Closed, f"tcp://{host}:{port}", users=3)
        wait_until(lambda: RECORDER.answered > 300 and RECORDER.held == 3)
        run.stop()
    assert RECORDER.failures == 0
    assert Closed.holds
