"""Changes to how Locust ends a ramp."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import inspect
from types import SimpleNamespace

import gevent
import pytest
from locust import User
from locust.env import Environment
from locust.runners import WorkerNode
from locust.web import WebUI

from rawsocket import locust_patches


def test_run_time_that_ends_in_the_ramp_ends_the_ramp(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.argv", ["locust"])
    environment = Environment()
    environment.create_local_runner()
    web_ui = WebUI(environment, "127.0.0.1", 0, delayed_start=True)
    assert "gevent.spawn_later(run_time, self._stop_runners)" in inspect.getsource(WebUI)
    locust_patches.end_ramp_with_run_time(web_ui)
    ramp = web_ui._swarm_greenlet = gevent.spawn(gevent.sleep, 60)
    gevent.sleep(0)
    web_ui._stop_runners()
    assert ramp.dead
    web_ui._stop_runners()  # there is no ramp any more


@pytest.mark.parametrize("patched", [False, True])
def test_users_whose_start_is_on_its_way_are_not_started_after_a_stop(patched: bool):
    """Without the patch, the message that starts users follows the one that stops them."""
    environment = Environment(user_classes=[User])
    runner = environment.create_master_runner("127.0.0.1", 0)
    told: list[str] = []
    runner.server.send_to_client = lambda message: told.append(message.type)  # type: ignore[method-assign]
    if patched:
        locust_patches.start_no_users_after_stop(runner)
    runner.clients["a"] = WorkerNode("a", state="ready")
    ramp = gevent.spawn(runner.start, 100, 2)
    try:
        gevent.sleep(0)  # the first users are dispatched: the message waits in a greenlet of its own
        ramp.kill(block=True)
        runner.stop()
        gevent.sleep(0.01)
        assert told == (["stop"] if patched else ["stop", "spawn"])
    finally:
        runner.greenlet.kill(block=False)


def test_page_ends_a_ramp_that_was_begun_elsewhere() -> None:
    web_ui = SimpleNamespace(_swarm_greenlet=None)
    ramp = gevent.spawn(gevent.sleep, 60)
    locust_patches.ramp_from_elsewhere(web_ui, ramp)
    assert web_ui._swarm_greenlet is ramp
    ramp.kill()
