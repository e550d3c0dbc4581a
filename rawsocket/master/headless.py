"""Drives a headless run with the page up: waits for the workers, checks, starts, reports each second, ends, judges.

Locust's own `--headless` has no page (so no health check, no metrics, no live view) and quits its workers
before their last numbers are in. This greenlet stands in for the person at the page. It ends early where it
makes no sense to go on: no worker came, what was asked doesn't fit, or all workers are lost.
"""

import logging
import os
import sys
import time

import gevent
from locust.web import WebUI

from rawsocket.master.controller import Desk
from rawsocket.master.reports import console as progress

WORKERS_S = 60.0  # how long the workers may take to come
USAGE = 2
logger = logging.getLogger(__name__)


class Autopilot:
    """Runs one run from start to end."""

    def __init__(self, desk: Desk, web_ui: WebUI | None) -> None:
        self._desk = desk
        self._web_ui = web_ui
        self._ramp: gevent.Greenlet | None = None
        self._ending = False

    def run(self) -> None:
        """Do it all; whatever happens, the process ends and has an exit code."""
        try:
            self._fly()
        finally:
            self.end()

    def _fly(self) -> None:
        desk = self._desk
        if not self._workers_came() and not desk.live():
            return
        reason = desk.refuse(desk.plan.users)
        if reason:
            desk.environment.process_exit_code = USAGE
            sys.stderr.write(f"{reason}\n")
            return
        self._ramp = gevent.spawn(desk.runner.start, desk.plan.users, desk.plan.rate)
        self._watch()

    def _workers_came(self) -> bool:
        desk = self._desk
        deadline = time.monotonic() + WORKERS_S
        while len(desk.live()) < desk.plan.workers:
            if time.monotonic() > deadline:
                logger.error("only %d of %d workers came in %.0f s", len(desk.live()), desk.plan.workers, WORKERS_S)
                return False
            gevent.sleep(0.1)
        return desk.plan.workers > 0

    def _watch(self) -> None:
        """Say each second how it goes, until the time is over, all workers are lost, or somebody stopped the run."""
        desk, over = self._desk, time.monotonic() + (self._desk.plan.time_s or 0)
        while (left := over - time.monotonic()) > 0 and desk.stopping_at is None:
            if not desk.seconds.wait(timeout=min(left, 1.5)) or not desk.timeline.samples:
                continue
            failures = desk.fleet.totals()["failures"]
            _say(progress.line(desk.timeline.samples[-1], desk.plan.users, over - time.monotonic(), failures))
            if (members := desk.fleet.participants) and all(member.lost for member in members):
                logger.error("all workers are lost: the run ends here")
                return

    def abandon(self) -> None:
        """Start no more users: the run is being ended from elsewhere."""
        if self._ramp is not None:
            self._ramp.kill(block=False)

    def end(self) -> None:
        """End the run, its workers and the page; the main greenlet then shuts Locust down."""
        if self._ending:
            return
        self._ending = True
        quit_run(self._desk, self._web_ui, self._ramp)


def quit_run(desk: Desk, web_ui: WebUI | None, ramp: gevent.Greenlet | None = None) -> None:
    """Quit the runner and close the page, waiting for the latter to be up first where it is still starting."""
    for greenlet in (ramp, getattr(web_ui, "_swarm_greenlet", None)):
        if greenlet is not None:
            greenlet.kill(block=True)
    desk.runner.quit()
    if web_ui is None:
        return
    for _ in range(100):
        if web_ui.server is not None and web_ui.server.started:
            break
        gevent.sleep(0.05)
    web_ui.stop()


def _say(text: str) -> None:
    """Write a line at once; a console that went away must not end the run."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process


def say_verdict(desk: Desk) -> None:
    """Write the summary table and the verdict."""
    _say(progress.table(desk.conclude()))
