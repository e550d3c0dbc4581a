"""Drives the users of a run along a load shape: level after level, each held for its time, then the stop.

It is a greenlet of the master that does what a person does at the page: start users, change their number, stop. So the
page keeps its form, and its Stop ends the shape as it ends any run. Rules:

- The first users are started elsewhere (by the page, or by headless.py): Locust's `test_start` begins the run, and the
  shape with it.
- A level is held when all its users run and the workers hold their connections (MIN_HELD, if that is less). If that
  takes longer than its ramp and HELD_WITHIN_S, the level has failed. The next one follows, unless the shape ends there.
- A change of the users at the page ends the shape: what was asked for is one more level, which lasts until the stop.
"""

import math
import time
from collections.abc import Sequence

import gevent
from locust.web import WebUI

from rawsocket import locust_patches
from rawsocket.background import TASKS
from rawsocket.master import run_info
from rawsocket.master.controller import RunController
from rawsocket.master.levels import transitions
from rawsocket.master.levels.record import LevelRecord
from rawsocket.master.run import Run
from rawsocket.master.timeline import SERVER_CPU
from rawsocket.shapes.shape import Level, Shape
from rawsocket.verdict import words
from rawsocket.verdict.observed import STEP

HELD_WITHIN_S = 30.0  # beyond its ramp: three times the default TIMEOUT
POLL_S = 0.1
BY_HAND = "as set at the page"


class ShapeDriver:
    """The driver of one process; it does nothing without a shape. `web_ui` None: there is no page."""

    def __init__(self, controller: RunController, web_ui: WebUI | None = None) -> None:
        self._controller = controller
        self._web_ui = web_ui
        self._driving: gevent.Greenlet | None = None
        self._ramp: gevent.Greenlet | None = None

    @property
    def shape(self) -> Shape | None:
        """The shape of the scenario, None without one."""
        return run_info.own_shape(self._controller.environment)

    @property
    def rate(self) -> float:
        """Users to start or stop a second."""
        given = getattr(self._controller.environment.parsed_options, "spawn_rate", None)
        return float(given or self._controller.plan.rate)

    def run_begins(self) -> None:
        """Follow the shape from now on: the users of its first level are being started."""
        if shape := self.shape:
            self._drive(shape.levels())

    def run_ends(self) -> None:
        """End the shape: stop was asked for."""
        for greenlet in (self._driving, self._ramp):
            if greenlet is not None and greenlet is not gevent.getcurrent():
                greenlet.kill(block=False)

    def take_over(self, users: int) -> None:
        """Note that a person has changed the users, which the page has started: the shape ends here."""
        run = self._controller.run
        if not run.levels or not run.running:
            return
        self.run_ends()
        run.levels.end(time.monotonic(), transitions.counted(run), cut=True)
        run.levels.planned = len(run.levels.records) + 1
        run.observed.note(self._controller.elapsed_s, STEP, "users were changed at the page: the load shape ends here")
        self._drive([Level(users, math.inf, BY_HAND)])

    def _drive(self, levels: Sequence[Level]) -> None:
        self._driving = TASKS.start("load shape", self._follow, self._controller.run, levels, forever=False)

    # -- level after level ------------------------------------------------------------------------------------------

    def _follow(self, run: Run, levels: Sequence[Level]) -> None:
        for level in levels:
            self._reach(run, level, started=level is levels[0])
            if record := run.levels.current:
                self._hold(record)
            if level is not levels[-1] and not transitions.end(run, time.monotonic()) and self._ends(run, level):
                break
        self._controller.runner.stop()

    def _ends(self, run: Run, level: Level) -> bool:
        """Return whether the shape ends with a level that did not pass."""
        if run.levels.shape is None or not run.levels.shape.ends_with_failure:
            return False
        text = f"{words.count(level.users, 'user')} did not pass: the load shape ends here"
        run.observed.note(self._controller.elapsed_s, STEP, text)
        return True

    def _reach(self, run: Run, level: Level, started: bool) -> None:
        """Begin a level and wait, bounded, until it is held."""
        changes = level.users if started else abs(level.users - self._controller.users_wanted)
        within_s = changes / self.rate + HELD_WITHIN_S
        if transitions.begin(run, level, time.monotonic()):
            return
        if not started:
            self._start_users(level)
        deadline = time.monotonic() + within_s
        while not self._is_held(run, level):
            if time.monotonic() > deadline:
                run.levels.give_up(self._why_not(run, level, within_s), self._controller.held())
                return
            gevent.sleep(POLL_S)
        transitions.hold(run, time.monotonic())

    def _start_users(self, level: Level) -> None:
        if self._ramp is not None:
            self._ramp.kill(block=True)
        self._ramp = gevent.spawn(self._controller.runner.start, level.users, self.rate)
        if self._web_ui is not None:
            locust_patches.ramp_from_elsewhere(self._web_ui, self._ramp)

    def _is_held(self, run: Run, level: Level) -> bool:
        controller = self._controller
        if not controller.users_wanted == controller.runner.user_count == level.users:
            return False
        least, most = self._connections(run, level)
        return least <= controller.held() <= most

    def _connections(self, run: Run, level: Level) -> tuple[float, float]:
        """Return the connections that a level holds, at least and at most; any number if its users don't hold them."""
        limit, classes = run.thresholds.get("min_held", math.inf), self._controller.environment.user_classes
        if not all(getattr(user, "holds", False) for user in classes):
            return 0, math.inf
        return min(limit, level.users * run.per_user), level.users * max(map(run_info.per_user, classes), default=1)

    def _why_not(self, run: Run, level: Level, within_s: float) -> str:
        controller, (least, most) = self._controller, self._connections(run, level)
        held, within = controller.held(), f"within {words.seconds(within_s)}"
        if held > most:
            return f"{words.count(held, 'connection')} were still held {within}, {words.number(most)} expected"
        if held >= least:
            running = controller.runner.user_count
            return f"{words.count(running, 'user')} ran {within}, {words.number(level.users)} expected"
        return f"only {words.number(held)} of {words.count(least, 'connection')} were held {within}"

    def _hold(self, record: LevelRecord) -> None:
        """Wait until the time of a level is over; note the server's CPU each second."""
        if record.held_at is None:
            return
        over = record.held_at + record.level.hold_s
        while (left := over - time.monotonic()) > 0:
            if self._controller.seconds.wait(timeout=min(left, 1.5)):
                cores = self._server_cores()
                record.server_cpu += [] if cores is None else [cores]

    def _server_cores(self) -> float | None:
        """Return the cores that the server uses now, by its own counters or as the lab sees it; None: unknown."""
        probe = self._controller.probe
        cores = probe.rate("cpu_seconds")
        return probe.usage.values().get(SERVER_CPU) if cores is None else cores
