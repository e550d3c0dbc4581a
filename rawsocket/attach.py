"""Hooks the library into Locust. The only file that adds listeners; importing any user class calls `attach()`.

Rules:

- Once per process, however often it is called.
- Listeners are added at import, so they run before Locust's own (added when a runner is made): the page's
  state is theirs to change afterwards. `quitting` runs in reverse: ours comes last, when Locust's has quit
  the runner and the final numbers are in.
- A Locust that somebody else started gets tab, gauge, state, metrics and, headless, the verdict and its
  exit code. Signals and console are taken over only in a process that `python -m rawsocket` started, which
  is what a `Plan` that is `ours` says.
"""

import gc
import logging
import os
import signal
import time
from argparse import ArgumentParser
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.web import WebUI

from rawsocket import options
from rawsocket.locust_patches import keep_microseconds
from rawsocket.master.controller import LOCAL, Desk
from rawsocket.master.headless import Autopilot, quit_run, say_verdict
from rawsocket.master.page import tab as page
from rawsocket.master.plan import Plan, from_options
from rawsocket.master.reports import artefacts
from rawsocket.master.reports import html_report as report
from rawsocket.measurement.recorder import RECORDER
from rawsocket.verdict.judge import EXIT_CODES, INTERRUPTED
from rawsocket.worker import agent as worker
from rawsocket.worker import limits

logger = logging.getLogger(__name__)
_attached: "Attachment | None" = None


def attach(plan: Plan | None = None) -> "Attachment":
    """Add all listeners, once per process; a `plan` given later than at the first call is ignored."""
    global _attached
    if _attached is None:
        _attached = Attachment(plan)
        _attached.listen()
    return _attached


class Attachment:
    """What hangs on this process's Locust: a desk on a master, a side on a worker, both on a local run."""

    def __init__(self, plan: Plan | None) -> None:
        self.plan = plan
        self.desk: Desk | None = None
        self.side: worker.Side | None = None
        self.web_ui: WebUI | None = None
        self.autopilot: Autopilot | None = None
        self.signalled = False
        self._closed = False

    def listen(self) -> None:
        """Register with Locust's events."""
        events.init_command_line_parser.add_listener(self._add_options)
        events.init.add_listener(self._init)
        events.test_start.add_listener(self._test_start)
        events.spawning_complete.add_listener(self._spawning_complete)
        events.test_stopping.add_listener(self._test_stopping)
        events.test_stop.add_listener(self._test_stop)
        events.report_to_master.add_listener(self._report_to_master)
        events.worker_report.add_listener(self._worker_report)
        events.quitting.add_listener(self._quitting)

    # -- listeners ----------------------------------------------------------------------------------------------

    def _add_options(self, parser: ArgumentParser, **_: Any) -> None:
        options.add_to(parser)

    def _init(self, environment: Environment, runner: Runner, web_ui: WebUI | None, **_: Any) -> None:
        limits.raise_descriptors()
        keep_microseconds()
        master = isinstance(runner, MasterRunner)
        if not master:
            self.side = worker.Side(runner)
        if self.plan is None:
            self.plan = from_options(environment.parsed_options, os.environ, master)
        if not isinstance(runner, WorkerRunner):
            self._init_desk(environment, runner, web_ui, self.plan)
        if self.plan.ours:
            self._take_signals()

    def _init_desk(self, environment: Environment, runner: Runner, web_ui: WebUI | None, plan: Plan) -> None:
        self.desk = desk = Desk(environment, plan)
        if self.side:
            desk.numbers = self.side.numbers
        self.web_ui = web_ui
        report.install(desk)
        if web_ui is not None:
            page.install(desk, web_ui)
        if isinstance(runner, MasterRunner):
            runner.register_message(worker.LIMITS, self._limits)
            runner.register_message(worker.STOPPING, self._stopping)
            runner.register_message(worker.FINAL, self._final)
            runner.register_message(worker.REFUSED, self._refused)
        gevent.spawn(desk.run_clock)
        gevent.spawn(desk.probe.run)
        if plan.ours and plan.headless:
            logging.getLogger("locust.stats_logger").setLevel(logging.WARNING)  # our own table says it
            self.autopilot = Autopilot(desk, web_ui)
            gevent.spawn(self.autopilot.run)

    def _test_start(self, **_: Any) -> None:
        if self.desk:
            self.desk.on_test_start()
        if self.side:
            gc.unfreeze()  # see arrivals.py
            gc.collect()  # before the run rather than in it
            self.side.on_test_start()

    def _spawning_complete(self, **_: Any) -> None:
        RECORDER.all_there = RECORDER.all_there or time.time()
        if self.desk:
            self.desk.on_spawning_complete()

    def _test_stopping(self, **_: Any) -> None:
        if self.desk:
            self.desk.on_test_stopping()
            if self.desk.local and self.side:
                self.desk.take(LOCAL, self.side.numbers_at_stop(), at_stop=True)
        if self.side:
            self.side.on_test_stopping()

    def _test_stop(self, **_: Any) -> None:
        if self.side:
            self.side.on_test_stop()
        if self.desk is None:
            return
        if self.desk.local and self.side:
            self.desk.take(LOCAL, self.side.numbers(final=True))
        self.desk.on_test_stop()
        if not self.desk.plan.headless:
            artefacts.write(self.desk)

    def _report_to_master(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if self.side:
            self.side.report(data)

    def _worker_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if self.desk and "holdfast" in data:
            self.desk.take(client_id, data["holdfast"])

    # -- messages from workers ----------------------------------------------------------------------------------

    def _limits(self, environment: Environment, msg: Any, **_: Any) -> None:
        if self.desk:
            self.desk.fleet.member(msg.node_id).limits = limits.Limits(**msg.data)

    def _stopping(self, environment: Environment, msg: Any, **_: Any) -> None:
        if self.desk:
            self.desk.take(msg.node_id, msg.data, at_stop=True)

    def _final(self, environment: Environment, msg: Any, **_: Any) -> None:
        if self.desk:
            self.desk.take(msg.node_id, msg.data)

    def _refused(self, environment: Environment, msg: Any, **_: Any) -> None:
        """Stop the run that a worker refused, from a greenlet of its own: stopping waits for messages."""
        if self.desk and self.desk.running:
            logger.error(msg.data["message"])
            self.desk.notes.append(msg.data["message"])
            gevent.spawn(self.desk.runner.stop)

    # -- the end ------------------------------------------------------------------------------------------------

    def _quitting(self, environment: Environment, **_: Any) -> None:
        """Give the process its exit code; Locust may fire this twice."""
        if self._closed:
            return
        self._closed = True
        if self.desk is None:
            environment.process_exit_code = 0 if self.plan and self.plan.ours else environment.process_exit_code
        elif self.desk.plan.headless:
            self._close_headless(self.desk, environment)
        elif self.desk.plan.ours:
            environment.process_exit_code = 0

    def _close_headless(self, desk: Desk, environment: Environment) -> None:
        if desk.running:
            desk.runner.stop()  # a local run that Ctrl-C ends: Locust would stop it only after this
        if desk.started_at is not None:
            desk.finished.wait(timeout=30)
        if environment.process_exit_code is None:
            environment.process_exit_code = desk.conclude()["exit_code"]
            artefacts.write(desk)
        if not desk.plan.ours:
            document = desk.conclude()
            logger.info("verdict %s: %s", document["verdict"], "; ".join(document["reasons"]))
        elif environment.process_exit_code in (*EXIT_CODES.values(), INTERRUPTED):
            say_verdict(desk)

    def _take_signals(self) -> None:
        """Let SIGINT arrive as a callback of the hub, not inside whatever runs; SIGTERM is Locust's as well."""
        gevent.signal_handler(signal.SIGINT, self._on_sigint)
        gevent.signal_handler(signal.SIGTERM, self._on_signal)

    def _on_signal(self) -> None:
        self.signalled = True
        if self.desk and not self.desk.finished.is_set():
            self.desk.interrupted = True
            self._kill_ramp()

    def _on_sigint(self) -> None:
        if self.signalled:
            os._exit(INTERRUPTED)  # asked twice: at once
        self._on_signal()
        if self.autopilot:
            gevent.spawn(self.autopilot.end)
        elif self.desk:
            gevent.spawn(quit_run, self.desk, self.web_ui)
        elif self.side:
            gevent.spawn(self.side.quit)

    def _kill_ramp(self) -> None:
        if self.autopilot:
            self.autopilot.abandon()
