"""Users on a local runner in the process of the test, and waits for their effects. Imports Locust."""

import argparse
import time
from collections.abc import Callable
from typing import Any

import gevent
from locust.env import Environment

from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from rawsocket.measurement.stats_rows import Row
from rawsocket.users.session_user import arrivals

LONG = 30.0  # seconds; longer than any working test takes


class Run:
    """Users of one class on a local runner, which all start at once."""

    def __init__(self, user_class: type[Any] | list[type[Any]], url: str, users: int = 3, **options: Any) -> None:
        classes = user_class if isinstance(user_class, list) else [user_class]
        self.environment = Environment(user_classes=classes, host=url, stop_timeout=options.pop("stop_timeout", 0))
        self.runner = self.environment.create_local_runner()
        if listener := options.pop("listener", None):
            self.environment.events.request.add_listener(listener)
        self.errors: list[BaseException] = []
        self.environment.events.user_error.add_listener(lambda exception, **_: self.errors.append(exception))
        self.environment.parsed_options = argparse.Namespace(**({"timeout": LONG} | options))
        arrivals().spread = options.pop("spread", 0.0)
        self.runner.start(users, spawn_rate=users)

    @property
    def rows(self) -> dict[str, Row]:
        """Rows of both kinds of users."""
        return dict(BATCH)

    def row(self, name: str) -> int:
        row = self.rows.get(name)
        return row.requests if row else 0

    def fails(self, name: str) -> dict[str, int]:
        row = self.rows.get(name)
        return row.failures if row else {}

    def stop(self) -> None:
        """Stop at once, and check the invariants of the recorder and of Locust's statistics."""
        began = time.perf_counter()
        self.runner.quit()
        assert time.perf_counter() - began < LONG / 2
        made = RECORDER
        assert made.held == 0
        assert made.attempted == made.connected + sum(made.failed.values())
        assert made.connected == sum(made.dropped.values()) + made.closed
        assert made.sent == made.answered + made.wrong + made.unanswered + made.oneway
        assert made.unanswered == sum(made.unanswered_by.values()) >= made.cut
        assert made.sessions_begun == made.sessions_ended
        BATCH.flush(self.environment)
        for name, row in self.rows.items():
            entry = self.environment.stats.get(name, "TCP")
            assert (entry.num_requests, entry.num_failures) == (row.requests, sum(row.failures.values()))


def wait_until(happened: Callable[[], Any]) -> None:
    deadline = time.perf_counter() + LONG
    while not happened():
        assert time.perf_counter() < deadline, "it never happened"
        gevent.sleep(0.005)
