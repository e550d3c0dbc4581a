"""A desk on a real master runner that no worker is connected to, with a clock that only the test moves."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import gevent
from locust import User
from locust.env import Environment
from locust.runners import STATE_RUNNING, WorkerNode

from rawsocket.master import controller as desks
from rawsocket.master.controller import Desk
from rawsocket.master.plan import Plan
from rawsocket.options import OPTIONS
from tests.support.reports import Clock, report


class Hold(User):
    """A user that would hold its connection."""

    holds = True


class Come(User):
    """A user that comes and goes."""

    holds = False


class DeskBench:
    """Gives workers' reports to a desk, and seconds."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self.desk = desk
        self.clock = clock
        self.runner: Any = desk.runner

    def add_worker(self, name: str, users: int = 5) -> None:
        node = WorkerNode(name, state=STATE_RUNNING)
        node.user_classes_count = {"Hold": users}
        self.runner.clients[name] = node

    def start(self) -> None:
        """Start a run whose ramp is over at once."""
        self.desk.on_test_start()
        self.runner.update_state(STATE_RUNNING)
        self.desk.on_spawning_complete()

    def second(self, **figures: Any) -> None:
        """Let a second pass in which each live worker sends the same figures (`each_s` is what grows each second)."""
        self.clock.now += 1.0
        elapsed = self.clock.now - 1000.0
        for worker in self.desk.live():
            rows = {"message": {200: 10}}
            self.desk.take(
                worker, report(wall_s=elapsed, cpu_s=elapsed * 0.25, answered=int(elapsed * 10), rows=rows, **figures)
            )
        self.desk.tick()

    def stop(self, **figures: Any) -> dict[str, Any]:
        """Stop the run; each live worker delivers its final numbers. Gives the document of verdict.json."""
        self.desk.on_test_stopping()
        for worker in self.desk.live():
            answered = int((self.clock.now - 1000.0) * 10)
            self.desk.take(worker, report(answered=answered, final=True, **figures))
        self.desk.on_test_stop()
        assert self.desk.document
        return self.desk.document


@contextmanager
def desk_bench(monkeypatch: Any, *users: type[User], **plan: Any) -> Iterator[DeskBench]:
    """Make a bench; it ends with the block."""
    clock = Clock()
    monkeypatch.setattr(desks, "time", SimpleNamespace(monotonic=clock))
    parsed = argparse.Namespace(**{option.name: option.default for option in OPTIONS})
    environment = Environment(user_classes=list(users or (Hold,)), parsed_options=parsed, host="tcp://server:8686")
    environment.create_master_runner("127.0.0.1", 0)
    assert environment.runner
    try:
        yield DeskBench(Desk(environment, Plan(**{"workers": 2, "users": 10, "scenario": "hold", **plan})), clock)
    finally:
        environment.runner.greenlet.kill(block=False)
        gevent.sleep(0)
