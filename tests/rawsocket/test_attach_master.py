"""What a master has beside Locust's own; runs with a real master are in test_attach.py and test_headless.py."""

import gevent
import pytest

from rawsocket.master.run import Run
from rawsocket.worker import agent
from tests.support.masters import joined_master


def test_error_of_a_worker_stops_the_run_and_is_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with joined_master(monkeypatch) as master:
        stopped: list[int] = []
        monkeypatch.setattr(master.runner, "stop", lambda: stopped.append(1))
        master.read("a", agent.FAULT, {"message": "its task 'reports' died: OSError"})
        gevent.sleep(0.01)
        errors = master.bench.controller.run.errors
        assert (stopped, errors.reasons) == ([1], ["worker a: its task 'reports' died: OSError"])


def test_refusal_of_a_worker_stops_a_run_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with joined_master(monkeypatch) as master:
        stopped: list[int] = []
        monkeypatch.setattr(master.runner, "stop", lambda: stopped.append(1))
        controller = master.bench.controller
        stops: list[int]
        for running, stops in ((False, []), (True, [1])):
            monkeypatch.setattr(Run, "running", running)
            master.read("a", agent.REFUSED, {"message": "no such file"})
            gevent.sleep(0.01)
            assert (stopped, controller.run.notes) == (stops, ["no such file"] * len(stops))
