"""Hooks the library into Locust, and is the only file that adds listeners.

`from rawsocket import` of a user class calls `attach()`.

Rules:

- Once per process, however often it is called.
- Listeners are added at import, so they run before Locust's own, which are added when a runner is made and may still
  change the page's state. `quitting` runs in reverse: our listener is the last, when Locust's has quit the runner and
  the final reports have arrived.
- A Locust that was started in another way gets tab, gauge, state, metrics and, headless, the verdict and its
  exit code. Signals and console are handled only in a process that `python -m rawsocket` started: its `Plan`
  is `ours`.
"""

import gc
import logging
import os
import signal
import time
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.web import WebUI

from rawsocket import locust_patches
from rawsocket.background import TASKS
from rawsocket.identity import number_allocator
from rawsocket.identity.user_numbers import NUMBERS
from rawsocket.master.messages.intake import Intake
from rawsocket.measurement.recorder import RECORDER
from rawsocket.settings import options
from rawsocket.settings.plan import Plan, from_options
from rawsocket.verdict.judge import INTERRUPTED
from rawsocket.worker import agent, limits

if TYPE_CHECKING:
    from rawsocket.attach_master import MasterSide
    from rawsocket.master.controller import RunController

TOGETHER_S = 0.5  # signals within this time are one: the kernel sends two when a lab of two threads is killed
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
    """The objects of this process: the side of a master, the agent of a worker, both in a local run."""

    def __init__(self, plan: Plan | None) -> None:
        self.plan = plan
        self.master: MasterSide | None = None
        self.agent: agent.WorkerAgent | None = None
        self.signalled = False
        self._signalled_at = 0.0
        self._intake = Intake(self._lose)
        self._closed = False

    @property
    def controller(self) -> "RunController | None":
        """The controller of this process's runs; None on a worker."""
        return self.master.controller if self.master else None

    def listen(self) -> None:
        """Register with Locust's events, and read what workers send before there is a runner to read it."""
        locust_patches.read_messages_through(self._intake.read, self._intake.failed)
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
        locust_patches.keep_microseconds()
        locust_patches.report_listener_errors(self._listener_failed)
        locust_patches.run_last(events.quitting, self._quitting)
        TASKS.listen(self._task_died)
        is_master = isinstance(runner, MasterRunner)
        if not is_master:
            self.agent = agent.WorkerAgent(runner)
            self._connect_numbers(runner)
        if self.plan is None:
            self.plan = from_options(environment.parsed_options, os.environ, is_master)
        if not isinstance(runner, WorkerRunner):
            from rawsocket import attach_master  # not at the top: a worker needs nothing of it

            self.master = attach_master.start(environment, runner, web_ui, self.plan, self.agent)
        if self.plan.ours:
            self._take_signals()

    def _connect_numbers(self, runner: Runner) -> None:
        """Get the users' numbers from the master; a local run sends these messages to itself."""

        def send(run: int, want: int, back: list[int]) -> None:
            runner.send_message(number_allocator.WANT, {"run": run, "want": want, "back": back})

        runner.register_message(number_allocator.DEAL, self._numbers_came)
        NUMBERS.connect(send, gevent.spawn if isinstance(runner, WorkerRunner) else None)

    def _test_start(self, environment: Environment, **_: Any) -> None:
        if self.master:
            self.master.test_start(environment)
        if self.agent:
            gc.unfreeze()  # see users/arrivals.py
            gc.collect()  # before the run, not in it
            NUMBERS.begin_run()
            self.agent.on_test_start()

    def _spawning_complete(self, **_: Any) -> None:
        RECORDER.all_there = RECORDER.all_there or time.time()
        if self.master:
            self.master.spawning_complete()

    def _test_stopping(self, **_: Any) -> None:
        if self.master:
            self.master.test_stopping()
        if self.agent:
            self.agent.on_test_stopping()

    def _test_stop(self, **_: Any) -> None:
        if self.agent:
            self.agent.on_test_stop()
        if self.master:
            self.master.test_stop()

    def _report_to_master(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if self.agent:
            self.agent.add_report(data)

    def _worker_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if self.master:
            self.master.worker_report(client_id, data)

    # -- messages between master and workers -------------------------------------------------------------------------

    def _lose(self, worker: str, reason: str) -> None:
        if self.master:
            self.master.controller.lose(worker, reason)

    def _numbers_came(self, environment: Environment, msg: Any, **_: Any) -> None:
        NUMBERS.receive(msg.data["run"], msg.data["numbers"])

    # -- errors of the run itself -------------------------------------------------------------------------------

    def _listener_failed(self, error: BaseException) -> None:
        """Count an exception of a listener of any of Locust's events; log the first of its kind."""
        if self.master and not self.master.controller.local:
            self.master.listener_failed(error)
        elif RECORDER.scenario_errors.add(error):
            logger.error("a listener of one of Locust's events raised", exc_info=error)

    def _task_died(self, name: str, reason: str) -> None:
        """End the run: without this task, its figures would be wrong or missing."""
        if self.master:
            self.master.break_off(f"the master's task {name!r} died: {reason}")
        elif self.agent:
            self.agent.report_fault(f"its task {name!r} died: {reason}")

    # -- the end ------------------------------------------------------------------------------------------------

    def _quitting(self, environment: Environment, **_: Any) -> None:
        """Set the exit code of the process; Locust may fire this twice."""
        if self._closed:
            return
        self._closed = True
        if self.master:
            self.master.close(environment)
        elif self.plan and self.plan.ours:
            environment.process_exit_code = 0

    def _take_signals(self) -> None:
        """Handle SIGINT in a callback of the hub, not in the running code; Locust handles SIGTERM as well."""
        gevent.signal_handler(signal.SIGINT, self._on_sigint)
        gevent.signal_handler(signal.SIGTERM, self._on_signal)

    def _on_signal(self) -> None:
        self.signalled, self._signalled_at = True, time.monotonic()
        if self.master:
            self.master.interrupt()

    def _on_sigint(self) -> None:
        if self.signalled:
            if time.monotonic() > self._signalled_at + TOGETHER_S:
                os._exit(INTERRUPTED)  # the second time: at once
            return
        self._on_signal()
        if self.master:
            self.master.quit()
        elif self.agent:
            gevent.spawn(self.agent.quit)
