"""Drives a headless run with the page up: waits for the workers, checks, starts, reports each second, ends, judges.

Locust's own `--headless` has no page (so no health check, no metrics, no live view) and quits its workers
before their last numbers have arrived. This greenlet does what a person does at the page. It ends early if no
worker came, the users don't fit, or all workers are lost.
"""

import json
import logging
import math
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import gevent
from locust import LoadTestShape
from locust.web import WebUI

from rawsocket import target_check
from rawsocket.check import before_run, text
from rawsocket.check.dialogue import line_of
from rawsocket.master import run_info
from rawsocket.master.controller import RunController
from rawsocket.master.reports import console, progress, result
from rawsocket.master.reports.artefacts import Written
from rawsocket.settings.plan import Plan, UsageError
from rawsocket.target import parse as parse_target

WORKERS_S = 60.0  # how long the workers may take to come
LIMITS_S = 3.0  # and their limits after that
ENDS_S = 60.0  # and the end of a run that its load shape has stopped
USAGE = 2
LAB_FAILED = 1  # the exit code of a run whose files could not be written
JSON = "json"  # of HOLDFAST_PROGRESS
logger = logging.getLogger(__name__)


class HeadlessRun:
    """Runs one run from start to end."""

    def __init__(self, controller: RunController, web_ui: WebUI | None) -> None:
        self._controller = controller
        self._plan = controller.plan
        self._web_ui = web_ui
        self._ramp: gevent.Greenlet | None = None
        self._ending = False
        self._lines = progress.Lines()
        self.refused = False  # whether the run did not start: its users don't fit, or nothing listens at its target

    def run(self) -> None:
        """Run it; in any case the process ends and has an exit code."""
        try:
            self._run()
        finally:
            self.end()

    def _run(self) -> None:
        controller = self._controller
        if early := run_info.too_much_to_hold(controller.environment, self._plan) or self._wait_for_target():
            self._refuse(early)
            return
        if not self._check():
            return
        if not self._workers_came() and not controller.live():
            return
        self._limits_came()
        if controller.shape is not None:
            self._follow(controller.shape)
            return
        shape, plan = run_info.own_shape(controller.environment), self._plan
        reason = controller.refuse(shape.most_users if shape else plan.users)
        if reason:
            self._refuse(reason)
            return
        if shape is not None:
            say(f"Load shape: {shape.text}, at RATE={plan.rate:g}; it decides on users and time, not USERS and TIME")
        users = shape.levels()[0].users if shape else plan.users
        self._ramp = gevent.spawn(controller.runner.start, users, plan.rate)
        if shape is None:
            self._watch(time.monotonic() + (plan.time_s or 0))
        else:
            self._watch(math.inf)
            self._wait_for_end()

    def _follow(self, shape: LoadTestShape) -> None:
        """Let the scenario's load shape start and stop the users, until it ends the run."""
        controller, plan = self._controller, self._plan
        ignored = f"USERS={plan.users}, RATE={plan.rate:g} and TIME={plan.time_s or 0:g}s are ignored"
        say(f"{type(shape).__name__}, the scenario's load shape, decides on users, rate and time: {ignored}")
        controller.runner.start_shape()
        follower: gevent.Greenlet = controller.runner.shape_greenlet
        follower.rawlink(lambda ended: controller.run.errors.add_error(ended.exception) if ended.exception else None)
        self._watch(math.inf, follower)
        self._wait_for_end()

    def _wait_for_end(self) -> None:
        """Wait, bounded, for the end of a run that was stopped elsewhere: by its load shape, or at the page."""
        if self._controller.run.stopping_at is not None:
            self._controller.run.finished.wait(ENDS_S)

    def _refuse(self, reason: str) -> None:
        self.refused = True
        self._controller.environment.process_exit_code = USAGE
        sys.stderr.write(f"{reason}\n")

    def _wait_for_target(self) -> str:
        """Wait for a TARGET as long as WAIT allows, or for a server in the place of the lab's own.

        Return why it can't be loaded, or "".
        """
        plan = self._plan
        try:
            if plan.server_wait_s:
                target_check.wait_for_server(parse_target(plan.target), plan.server_wait_s, say)
            if plan.foreign and (plan.check_target or plan.wait_s):
                target_check.wait_for(parse_target(plan.target), plan.wait_s, say, way_out=plan.way_out)
        except UsageError as error:
            return str(error)
        return ""

    def _check(self) -> bool:
        """Play the scenario once, if CHECK asks for it; return whether the run may start."""
        for dialogue in before_run.play(self._controller):
            if dialogue.exit_code == USAGE:
                self._refuse(text.summary(dialogue))
                return False
            if self._plan.progress == JSON:
                say(line_of(dialogue))
            else:
                say(result.text(text.lines(dialogue) if dialogue.exit_code else text.result(dialogue)))
            if dialogue.exit_code:
                self.refused = True
                self._controller.environment.process_exit_code = dialogue.exit_code
                return False
        return True

    def _workers_came(self) -> bool:
        wanted, deadline = self._plan.workers, time.monotonic() + WORKERS_S
        while (came := len(self._controller.live())) < wanted:
            if time.monotonic() > deadline:
                logger.error("only %d of %d workers came in %.0f s", came, wanted, WORKERS_S)
                return False
            gevent.sleep(0.1)
        return wanted > 0

    def _limits_came(self) -> None:
        """Wait a moment for the limits of the workers: each sends them just after Locust counts it as ready."""
        workers, deadline = self._controller.workers, time.monotonic() + LIMITS_S
        while time.monotonic() < deadline:
            if all(workers.worker(name).limits for name in self._controller.live()):
                return
            gevent.sleep(0.05)

    def _watch(self, over: float, follower: gevent.Greenlet | None = None) -> None:
        """Report each second until the time is `over`, all workers are lost, or the run was stopped.

        It is stopped at the page, or by `follower`, which follows a load shape; one that raises ends the run as well.
        A drill that is over ends the run before its time.
        """
        controller = self._controller
        while (left := over - time.monotonic()) > 0 and controller.run.stopping_at is None:
            second = controller.seconds.wait(timeout=min(left, 1.5))
            run = controller.run
            if follower is not None and follower.exception:
                return
            if not second or not run.timeline.samples:
                continue
            left = over - time.monotonic()
            self._say_second(left)
            if run.drill.ends:
                return
            if run.participants and all(own.lost for own in run.participants):
                logger.error("all workers are lost: the run ends here")
                return

    def _say_second(self, left_s: float) -> None:
        controller = self._controller
        run = controller.run
        live = {**controller.observer.state(), "level": run.levels.text}
        second = progress.second(run.timeline.samples[-1], controller.users_wanted, left_s, run.failures(), live)
        if self._plan.progress == JSON:
            say(json.dumps({"progress": second}))
            return
        for line in self._lines.of(second):
            say(line)

    def abandon(self) -> None:
        """Start no more users: the run was ended elsewhere."""
        if self._ramp is not None:
            self._ramp.kill(block=False)

    def end(self) -> None:
        """End the run, its workers and the page; the main greenlet then shuts Locust down."""
        if self._ending:
            return
        self._ending = True
        quit_run(self._controller, self._web_ui, self._ramp)


def quit_run(controller: RunController, web_ui: WebUI | None, ramp: gevent.Greenlet | None = None) -> None:
    """Quit the runner and close the page; if the page is still starting, wait for that first."""
    for greenlet in (ramp, getattr(web_ui, "_swarm_greenlet", None)):
        if greenlet is not None:
            greenlet.kill(block=True)
    controller.runner.quit()
    if web_ui is None:
        return
    for _ in range(100):
        if web_ui.server is not None and web_ui.server.started:
            break
        gevent.sleep(0.05)
    web_ui.stop()


def say(text: str) -> None:
    """Write a line at once; a closed console must not end the run."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process


def say_result(plan: Plan, document: Mapping[str, Any], written: Written) -> None:
    """Write the result of the run: as JSON for the lab, or as text."""
    if plan.progress == JSON:
        say(json.dumps({"result": document, "files": written.files, "trouble": written.trouble}))
        return
    if plan.verbose:
        say(f"{console.table(document)}\n")
    report = f"{plan.runs}/report.html" if plan.runs and "report.html" not in written.missing else ""
    code = LAB_FAILED if written.trouble else None
    say(result.text(result.lines(document, report, written.line(LAB_FAILED), code)))
