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
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.web import WebUI

from rawsocket import locust_patches, scenario_file
from rawsocket.background import TASKS
from rawsocket.check import before_run
from rawsocket.headless import LAB_FAILED, HeadlessRun, quit_run, say_result
from rawsocket.identity import number_allocator
from rawsocket.identity.user_numbers import NUMBERS
from rawsocket.master.controller import LOCAL, RunController
from rawsocket.master.levels.driver import ShapeDriver
from rawsocket.master.messages.intake import Intake
from rawsocket.master.observability.otlp_exporter import OtlpExporter
from rawsocket.master.page import tab
from rawsocket.master.reports import artefacts, html_report
from rawsocket.measurement.recorder import RECORDER
from rawsocket.settings import options
from rawsocket.settings.plan import Plan, from_options
from rawsocket.verdict import run_errors
from rawsocket.verdict.judge import INTERRUPTED
from rawsocket.worker import agent, limits

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
    """The objects of this process: a controller on a master, an agent on a worker, both in a local run."""

    def __init__(self, plan: Plan | None) -> None:
        self.plan = plan
        self.controller: RunController | None = None
        self.driver: ShapeDriver | None = None
        self.agent: agent.WorkerAgent | None = None
        self.exporter: OtlpExporter | None = None
        self.web_ui: WebUI | None = None
        self.headless_run: HeadlessRun | None = None
        self.signalled = False
        self._signalled_at = 0.0
        self._intake = Intake(self._lose)
        self._closed = False

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
        master = isinstance(runner, MasterRunner)
        if not master:
            self.agent = agent.WorkerAgent(runner)
            self._connect_numbers(runner)
        if self.plan is None:
            self.plan = from_options(environment.parsed_options, os.environ, master)
        if not isinstance(runner, WorkerRunner):
            self._init_controller(environment, runner, web_ui, self.plan)
        if self.plan.ours:
            self._take_signals()

    def _connect_numbers(self, runner: Runner) -> None:
        """Get the users' numbers from the master; a local run sends these messages to itself."""

        def send(run: int, want: int, back: list[int]) -> None:
            runner.send_message(number_allocator.WANT, {"run": run, "want": want, "back": back})

        runner.register_message(number_allocator.DEAL, self._numbers_came)
        NUMBERS.connect(send, gevent.spawn if isinstance(runner, WorkerRunner) else None)

    def _init_controller(self, environment: Environment, runner: Runner, web_ui: WebUI | None, plan: Plan) -> None:
        self.controller = controller = RunController(environment, plan)
        self.driver = driver = ShapeDriver(controller, web_ui)
        if self.agent:
            controller.local_report = self.agent.report
        self.web_ui = web_ui
        html_report.install(controller)
        runner.register_message(number_allocator.WANT, self._numbers_wanted)
        if web_ui is not None:
            tab.install(controller, web_ui, before_run.refusal, driver)
        if isinstance(runner, MasterRunner):
            runner.register_message(agent.LIMITS, self._limits)
            runner.register_message(agent.STOPPING, self._stopping)
            runner.register_message(agent.FINAL, self._final)
            runner.register_message(agent.REFUSED, self._refused)
            runner.register_message(agent.FAULT, self._fault)
        TASKS.start("clock", controller.run_clock)
        metrics = controller.target_metrics
        TASKS.start("metrics of the target", metrics.run, forever=metrics.present)
        self.exporter = exporter = OtlpExporter(controller, plan.collector)
        TASKS.start("figures to the collector", exporter.run, forever=exporter.present)
        TASKS.start("probe of the server", controller.probe.run, forever=controller.probe.present)
        usage = controller.probe.usage
        TASKS.start("usage of the server", usage.run, forever=usage.present)
        if plan.ours and plan.headless:
            locust_patches.silence_console_table()
            self.headless_run = HeadlessRun(controller, web_ui)
            TASKS.start("headless run", self.headless_run.run, forever=False)

    def _test_start(self, environment: Environment, **_: Any) -> None:
        if self.controller:
            self._say_unused(environment)
            self.controller.on_test_start()
        if self.driver:
            self.driver.run_begins()
        if self.agent:
            gc.unfreeze()  # see users/arrivals.py
            gc.collect()  # before the run, not in it
            NUMBERS.begin_run()
            self.agent.on_test_start()

    def _say_unused(self, environment: Environment) -> None:
        for line in scenario_file.unused(
            environment.user_classes, lambda name: options.value(environment.parsed_options, name)
        ):
            logger.warning(line)

    def _spawning_complete(self, **_: Any) -> None:
        RECORDER.all_there = RECORDER.all_there or time.time()
        if self.controller:
            self.controller.on_spawning_complete()

    def _test_stopping(self, **_: Any) -> None:
        if self.driver:
            self.driver.run_ends()
        if self.controller:
            self.controller.on_test_stopping()
            if self.controller.local and self.agent:
                self.controller.receive(LOCAL, self.agent.report_at_stop(), at_stop=True)
        if self.agent:
            self.agent.on_test_stopping()

    def _test_stop(self, **_: Any) -> None:
        if self.agent:
            self.agent.on_test_stop()
        if self.controller is None:
            return
        if self.controller.local and self.agent:
            self.controller.receive(LOCAL, self.agent.report(final=True))
        self.controller.on_test_stop()
        if self.exporter:
            self.exporter.send_last()
        if not self.controller.plan.headless:
            self._log_unwritten(artefacts.write(self.controller))

    def _report_to_master(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if self.agent:
            self.agent.add_report(data)

    def _worker_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if self.controller and agent.REPORT in data:
            self.controller.receive_wire(client_id, data[agent.REPORT])

    # -- messages between master and workers -------------------------------------------------------------------------

    def _lose(self, worker: str, reason: str) -> None:
        if self.controller:
            self.controller.lose(worker, reason)

    def _limits(self, environment: Environment, msg: Any, **_: Any) -> None:
        if self.controller:
            self.controller.receive_limits(msg.node_id, msg.data)

    def _stopping(self, environment: Environment, msg: Any, **_: Any) -> None:
        if self.controller:
            self.controller.receive_wire(msg.node_id, msg.data, at_stop=True)

    def _final(self, environment: Environment, msg: Any, **_: Any) -> None:
        if self.controller:
            self.controller.receive_wire(msg.node_id, msg.data)

    def _numbers_wanted(self, environment: Environment, msg: Any, **_: Any) -> None:
        if self.controller:
            self.controller.numbers.receive(msg.node_id, msg.data)

    def _numbers_came(self, environment: Environment, msg: Any, **_: Any) -> None:
        NUMBERS.receive(msg.data["run"], msg.data["numbers"])

    def _refused(self, environment: Environment, msg: Any, **_: Any) -> None:
        """Stop the run that a worker refused, in another greenlet because stopping waits for messages."""
        if self.controller and self.controller.run.running:
            logger.error(msg.data["message"])
            self.controller.run.notes.append(msg.data["message"])
            gevent.spawn(self.controller.runner.stop)

    # -- errors of the run itself -------------------------------------------------------------------------------

    def _listener_failed(self, error: BaseException) -> None:
        """Count an exception of a listener of any of Locust's events; log the first of its kind."""
        if self.controller and not self.controller.local:
            self.controller.run.errors.add_error(error)
            logger.debug("in a listener", exc_info=error)
        elif RECORDER.scenario_errors.add(error):
            logger.error("a listener of one of Locust's events raised", exc_info=error)

    def _task_died(self, name: str, reason: str) -> None:
        """End the run: without this task, its figures would be wrong or missing."""
        if self.controller:
            self._break_off(self.controller, f"the master's task {name!r} died: {reason}")
        elif self.agent:
            self.agent.report_fault(f"its task {name!r} died: {reason}")

    def _fault(self, environment: Environment, msg: Any, **_: Any) -> None:
        if self.controller:
            self._break_off(self.controller, f"worker {msg.node_id}: {msg.data['message']}")

    def _break_off(self, controller: RunController, reason: str) -> None:
        controller.run.errors.add(reason)
        gevent.spawn(self.headless_run.end if self.headless_run else controller.runner.stop)

    # -- the end ------------------------------------------------------------------------------------------------

    def _quitting(self, environment: Environment, **_: Any) -> None:
        """Set the exit code of the process; Locust may fire this twice."""
        if self._closed:
            return
        self._closed = True
        if self.controller is None:
            environment.process_exit_code = 0 if self.plan and self.plan.ours else environment.process_exit_code
        elif self.controller.plan.headless:
            self._close_headless(self.controller, environment)
        elif self.controller.plan.ours:
            environment.process_exit_code = 0

    def _close_headless(self, controller: RunController, environment: Environment) -> None:
        if controller.run.running:
            controller.runner.stop()  # a local run that Ctrl-C ends: Locust would stop it only after this
        controller.on_test_stop(timeout=30)  # Locust may have quit before the greenlet that stops the run came to it
        if self.headless_run and self.headless_run.refused:
            return  # the run did not start
        document = run_errors.with_exit_code(controller.conclude(again=True), environment.process_exit_code)
        controller.run.document = document
        environment.process_exit_code = document["exit_code"]
        written = artefacts.write(controller)
        if controller.plan.ours:
            say_result(controller.plan, document, written)
        else:
            logger.info("verdict %s: %s", document["verdict"], "; ".join(document["reasons"]))
            self._log_unwritten(written)
        if written.missing:
            environment.process_exit_code = LAB_FAILED

    def _log_unwritten(self, written: artefacts.Written) -> None:
        if written.missing:
            logger.error(written.line())

    def _take_signals(self) -> None:
        """Handle SIGINT in a callback of the hub, not in the running code; Locust handles SIGTERM as well."""
        gevent.signal_handler(signal.SIGINT, self._on_sigint)
        gevent.signal_handler(signal.SIGTERM, self._on_signal)

    def _on_signal(self) -> None:
        self.signalled, self._signalled_at = True, time.monotonic()
        if self.controller and not self.controller.run.finished.is_set():
            self.controller.interrupted = True
            self._kill_ramp()

    def _on_sigint(self) -> None:
        if self.signalled:
            if time.monotonic() > self._signalled_at + TOGETHER_S:
                os._exit(INTERRUPTED)  # the second time: at once
            return
        self._on_signal()
        if self.headless_run:
            gevent.spawn(self.headless_run.end)
        elif self.controller:
            gevent.spawn(quit_run, self.controller, self.web_ui)
        elif self.agent:
            gevent.spawn(self.agent.quit)

    def _kill_ramp(self) -> None:
        if self.headless_run:
            self.headless_run.abandon()
