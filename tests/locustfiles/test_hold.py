import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Iterator

import pytest

from locustfiles.hold import Hold
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from tests.support import echo
from tests.support.local_run import Run, wait_until


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with echo.running("echo") as (host, port):
        yield f"tcp://{host}:{port}"


@pytest.fixture(autouse=True)
def fresh() -> None:
    RECORDER.begin_run()


def test_each_user_holds_one_connection_and_sends_periodically(url: str):
    run = Run(Hold, url, users=10, every=0.1)
    wait_until(lambda: RECORDER.answered > 40 and RECORDER.held == RECORDER.connected == 10)
    run.stop()
    assert RECORDER.failures == 0
    assert {"connect", "message"} == set(BATCH)


def test_users_send_at_different_times(url: str):
    run = Run(Hold, url, users=20, every=30.0)
    wait_until(lambda: RECORDER.connected == 20)
    assert RECORDER.sent < 20
    run.stop()


def test_hold_without_messages_sends_nothing(url: str):
    run = Run(Hold, url, users=5, every=0.0)
    wait_until(lambda: RECORDER.connected == 5)
    run.stop()
    assert RECORDER.sent == 0
    assert RECORDER.closed == 5


def test_each_message_has_the_configured_size(url: str):
    run = Run(Hold, url, users=1, every=0.05, size=100)
    wait_until(lambda: RECORDER.answered >= 2)
    run.stop()
    assert BATCH["message"].bytes == 100 * RECORDER.answered


def test_wrong_greeting_fails_as_wrong(url: str):
    run = Run(Hold, url, users=1, every=0.05, app="hello")
    wait_until(lambda: RECORDER.wrong)
    run.stop()
    assert set(BATCH["message"].failures) == {"wrong"}


@pytest.mark.parametrize("pace", ["open", "closed"])
def test_only_the_open_pace_has_due_times(url: str, pace: str):
    run = Run(Hold, url, users=2, every=0.02, pace=pace)
    wait_until(lambda: RECORDER.answered > 20)
    run.stop()
    [times] = [row.times for row in RECORDER.report().rows if row.name == "message"]
    assert (times.due == times.sent) == (pace == "closed")


def test_scenario_is_marked_as_holding():
    assert Hold.holds
