"""A controller on a real master runner without workers, with a clock that the test sets."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import gevent
from locust import User
from locust.env import Environment
from locust.runners import STATE_RUNNING, WorkerNode

from rawsocket.master import controller as controllers
from rawsocket.master.controller import RunController
from rawsocket.settings.options import DEFAULTS
from rawsocket.settings.plan import Plan
from tests.support.reports import Clock, report


class Hold(User):
    """A user that holds its connection."""

    holds = True


class Come(User):
    """A user that connects for each visit."""

    holds = False


class ControllerBench:
    """Feeds a controller with workers' reports, second by second."""

    def __init__(self, controller: RunController, clock: Clock) -> None:
        self.controller = controller
        self.clock = clock
        self.runner: Any = controller.runner

    def add_worker(self, name: str, users: int = 5) -> None:
        node = WorkerNode(name, state=STATE_RUNNING)
        node.user_classes_count = {"Hold": users}
        self.runner.clients[name] = node

    def start(self) -> None:
        """Start a run whose ramp is over at once."""
        self.controller.on_test_start()
        self.runner.update_state(STATE_RUNNING)
        self.controller.on_spawning_complete()

    def second(self, **figures: Any) -> None:
        """Let one second pass; each live worker sends the same figures, and those of `each_s` grow each second."""
        self.clock.now += 1.0
        elapsed = self.clock.now - 1000.0
        for worker in self.controller.live():
            rows = {"message": {200: 10}}
            self.controller.receive(
                worker, report(wall_s=elapsed, cpu_s=elapsed * 0.25, answered=int(elapsed * 10), rows=rows, **figures)
            )
        self.controller.tick()

    def stop(self, **figures: Any) -> dict[str, Any]:
        """Stop the run; each live worker sends its final report. Return the document of verdict.json."""
        self.controller.on_test_stopping()
        for worker in self.controller.live():
            answered = int((self.clock.now - 1000.0) * 10)
            self.controller.receive(worker, report(answered=answered, final=True, **figures))
        self.controller.on_test_stop()
        assert self.controller.run.document
        return self.controller.run.document


@contextmanager
def controller_bench(monkeypatch: Any, *users: type[User], **plan: Any) -> Iterator[ControllerBench]:
    """Make a bench; it ends with the block."""
    clock = Clock()
    monkeypatch.setattr(controllers, "time", SimpleNamespace(monotonic=clock))
    parsed = argparse.Namespace(**DEFAULTS, enable_rebalancing=False)
    environment = Environment(user_classes=list(users or (Hold,)), parsed_options=parsed, host="tcp://server:8686")
    environment.create_master_runner("127.0.0.1", 0)
    assert environment.runner
    controller = RunController(environment, Plan(**{"workers": 2, "users": 10, "scenario": "hold", **plan}))
    controller.workers._clock = clock
    try:
        yield ControllerBench(controller, clock)
    finally:
        controller.run.log.discard()  # a real process would end here and close it
        environment.runner.greenlet.kill(block=False)
        gevent.sleep(0)
