"""The driver of a load shape, with a runner whose users come when they are asked for."""

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from rawsocket.master.levels import driver as drivers
from rawsocket.master.levels.driver import ShapeDriver
from rawsocket.master.timeline import SERVER_CPU
from rawsocket.shapes.shape import Level, Spike, Steps
from tests.support.controllers import ControllerBench, Hold, controller_bench
from tests.support.local_run import wait_until


class Climb(Hold):
    shape = Steps(2, 6, by=2, hold=3)


class Leap(Hold):
    shape = Spike(2, 5, after=3, hold=3)


class Lab:
    """A driver whose time is that of its bench: each pass of the hub is a second."""

    def __init__(self, bench: ControllerBench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = bench
        self.controller: Any = bench.controller
        self.asked: list[tuple[int, float]] = []
        self.most = 10**6  # connections that the server holds
        self.ended = False
        bench.add_worker("a", users=0)
        monkeypatch.setattr(drivers, "time", SimpleNamespace(monotonic=bench.clock))
        monkeypatch.setattr(bench.runner, "start", self._start)
        monkeypatch.setattr(bench.runner, "stop", self._stop)
        self.driver = ShapeDriver(bench.controller)

    def begin(self) -> None:
        assert self.driver.shape
        self._users(self.driver.shape.levels()[0].users)
        self.bench.start()
        self.driver.run_begins()

    def _users(self, users: int) -> None:
        self.bench.runner.target_user_count = users
        self.bench.runner.clients["a"].user_classes_count = {"Climb": users}

    def _start(self, users: int, rate: float) -> None:
        self.asked.append((users, rate))
        self._users(users)

    def _stop(self) -> None:
        self.driver.run_ends()
        self.controller.on_test_stopping()
        self.ended = True

    def second(self) -> None:
        held = min(self.most, self.bench.runner.target_user_count)
        self.bench.second(held=held, failures={"server-full": 1} if self.most < 10**6 else None)
        self.controller.seconds.set()
        self.controller.seconds.clear()
        gevent.sleep(0.001)

    def seconds_until(self, happened: Any) -> None:
        def passed() -> bool:
            self.second()
            return bool(happened())

        wait_until(passed)

    @property
    def users(self) -> list[int]:
        return [record.level.users for record in self.controller.run.levels.records]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Lab]:
    plan = {"ours": True, "headless": True, "workers": 1, "rate": 10.0}
    monkeypatch.setattr(drivers, "POLL_S", 0.0)
    with controller_bench(monkeypatch, getattr(request, "param", Climb), **plan) as bench:
        lab = Lab(bench, monkeypatch)
        yield lab
        lab.driver.run_ends()


def test_levels_follow_one_another_until_the_stop(lab: Lab) -> None:
    lab.begin()
    lab.seconds_until(lambda: lab.ended)
    assert lab.users == [2, 4, 6]
    assert lab.asked == [(4, 10.0), (6, 10.0)]
    assert all(record.held_at is not None for record in lab.controller.run.levels.records)


def test_growing_steps_end_with_the_first_level_that_can_not_be_held(lab: Lab) -> None:
    lab.most = 3
    lab.begin()
    lab.seconds_until(lambda: lab.ended)
    first, second = lab.controller.run.levels.records
    assert not first.not_held
    assert second.not_held == "only 3 of 4 connections were held within 30 s"
    texts = [event.text for event in lab.controller.run.observed.events]
    assert any(text.endswith("the load shape ends here") for text in texts)


@pytest.mark.parametrize("lab", [Leap], indirect=True)
def test_other_shapes_go_on_after_a_level_that_failed(lab: Lab) -> None:
    lab.most = 3
    lab.begin()
    lab.seconds_until(lambda: lab.ended)
    assert lab.users == [2, 5, 2]
    assert [bool(record.not_held) for record in lab.controller.run.levels.records] == [False, True, False]


@pytest.mark.parametrize(
    ("limit", "holds", "least"),
    [(None, True, 4), (math.inf, True, 4), (3, True, 3), (9, True, 4), (None, False, 0)],
)
def test_connections_that_make_a_level_held(
    limit: float | None, holds: bool, least: int, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where held connections are not judged, as with `lab load`."""
    monkeypatch.setattr(Climb, "holds", holds)
    run = lab.controller.run
    run.thresholds = {} if limit is None else {"min_held": limit}
    assert lab.driver._connections(run, Level(4, 5.0)) == (least, 4 if holds else math.inf)


def test_cpu_of_a_level_is_that_of_a_server_without_counters_as_well(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab.controller.probe.usage, "values", lambda: {SERVER_CPU: 0.3})
    lab.begin()
    lab.seconds_until(lambda: lab.ended)
    assert [record.server_cpu_share for record in lab.controller.run.levels.records] == [pytest.approx(0.3)] * 3


def test_stop_ends_the_shape(lab: Lab) -> None:
    lab.begin()
    lab.seconds_until(lambda: lab.controller.run.levels.records)
    lab._stop()
    for _ in range(10):
        lab.second()
    assert lab.users == [2]
    assert lab.controller.run.levels.records[0].cut


def test_users_that_are_changed_at_the_page_are_the_last_level(lab: Lab) -> None:
    lab.begin()
    lab.seconds_until(lambda: lab.controller.run.levels.records)
    lab._start(9, 10.0)
    lab.driver.take_over(9)
    lab.seconds_until(lambda: len(lab.users) == 2 and lab.controller.run.levels.current.held_at is not None)
    for _ in range(20):
        lab.second()
    assert (lab.users, lab.controller.run.levels.planned, lab.ended) == ([2, 9], 2, False)
    lab._stop()
    assert lab.controller.run.levels.records[1].level.where == "as set at the page, at 9 users"


def test_change_of_users_means_nothing_to_a_run_without_a_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    with controller_bench(monkeypatch) as bench:
        driver = ShapeDriver(bench.controller)
        assert driver.shape is None
        bench.start()
        driver.run_begins()
        driver.take_over(9)
        assert bench.controller.run.levels.records == []
