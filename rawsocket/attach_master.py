"""What a master and a local run have beside Locust's own: the run controller, its page, its tasks, what workers say.

attach.py imports this file only there. A worker needs none of it: page and reports would cost each worker 5 MB and a
tenth of a second.
"""

import logging
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, Runner
from locust.web import WebUI

from rawsocket import locust_patches, scenario_file
from rawsocket.background import TASKS
from rawsocket.check import before_run
from rawsocket.headless import LAB_FAILED, HeadlessRun, quit_run, say_result
from rawsocket.identity import number_allocator
from rawsocket.master.controller import LOCAL, RunController
from rawsocket.master.levels.driver import ShapeDriver
from rawsocket.master.observability.otlp_exporter import OtlpExporter
from rawsocket.master.page import tab
from rawsocket.master.reports import artefacts, html_report
from rawsocket.settings import options
from rawsocket.settings.plan import Plan
from rawsocket.verdict import run_errors
from rawsocket.worker import agent

logger = logging.getLogger(__name__)


class MasterSide:
    """The run controller and what belongs to it. `users`: the agent of this process's own users, in a local run."""

    def __init__(self, controller: RunController, web_ui: WebUI | None, users: agent.WorkerAgent | None = None) -> None:
        self.controller = controller
        self.headless_run: HeadlessRun | None = None
        self._web_ui = web_ui
        self._agent = users
        self._driver = ShapeDriver(controller, web_ui)
        self._exporter = OtlpExporter(controller, controller.plan.collector)
        if users:
            controller.local_report = users.report

    def install(self, runner: Runner) -> None:
        """Add the page and the messages of workers, and start the tasks. `runner` is the controller's."""
        controller = self.controller
        html_report.install(controller)
        runner.register_message(number_allocator.WANT, self.numbers_wanted)
        if self._web_ui is not None:
            tab.install(controller, self._web_ui, before_run.refusal, self._driver)
        if isinstance(runner, MasterRunner):
            locust_patches.start_no_users_after_stop(runner)
            runner.register_message(agent.LIMITS, self.limits)
            runner.register_message(agent.STOPPING, self.stopping)
            runner.register_message(agent.FINAL, self.final)
            runner.register_message(agent.REFUSED, self.refused)
            runner.register_message(agent.FAULT, self.fault)
        TASKS.start("clock", controller.run_clock)
        metrics = controller.target_metrics
        TASKS.start("metrics of the target", metrics.run, forever=metrics.present)
        TASKS.start("figures to the collector", self._exporter.run, forever=self._exporter.present)
        TASKS.start("probe of the server", controller.probe.run, forever=controller.probe.present)
        usage = controller.probe.usage
        TASKS.start("usage of the server", usage.run, forever=usage.present)
        if controller.plan.ours and controller.plan.headless:
            locust_patches.silence_console_table()
            self.headless_run = HeadlessRun(controller, self._web_ui)
            TASKS.start("headless run", self.headless_run.run, forever=False)

    # -- Locust's events ----------------------------------------------------------------------------------------

    def test_start(self, environment: Environment) -> None:
        """A run begins."""
        parsed = environment.parsed_options
        for line in scenario_file.unused(environment.user_classes, lambda name: options.value(parsed, name)):
            logger.warning(line)
        self.controller.on_test_start()
        self._driver.run_begins()

    def spawning_complete(self) -> None:
        """All users of the run were started."""
        self.controller.on_spawning_complete()

    def test_stopping(self) -> None:
        """Its users are about to be stopped."""
        self._driver.run_ends()
        self.controller.on_test_stopping()
        if self.controller.local and self._agent:
            self.controller.receive(LOCAL, self._agent.report_at_stop(), at_stop=True)

    def test_stop(self) -> None:
        """It has ended."""
        if self.controller.local and self._agent:
            self.controller.receive(LOCAL, self._agent.report(final=True))
        self.controller.on_test_stop()
        self._exporter.send_last()
        if not self.controller.plan.headless:
            self._log_unwritten(artefacts.write(self.controller))

    def worker_report(self, client_id: str, data: dict[str, Any]) -> None:
        """A worker has sent its statistics, with a report of ours."""
        if agent.REPORT in data:
            self.controller.receive_wire(client_id, data[agent.REPORT])

    # -- messages of workers -------------------------------------------------------------------------------------

    def limits(self, environment: Environment, msg: Any, **_: Any) -> None:
        """What a worker's process may have."""
        self.controller.receive_limits(msg.node_id, msg.data)

    def stopping(self, environment: Environment, msg: Any, **_: Any) -> None:
        """A worker's report at the moment of the stop."""
        self.controller.receive_wire(msg.node_id, msg.data, at_stop=True)

    def final(self, environment: Environment, msg: Any, **_: Any) -> None:
        """A worker's last report of the run."""
        self.controller.receive_wire(msg.node_id, msg.data)

    def numbers_wanted(self, environment: Environment, msg: Any, **_: Any) -> None:
        """A worker wants numbers for its users."""
        self.controller.numbers.receive(msg.node_id, msg.data)

    def refused(self, environment: Environment, msg: Any, **_: Any) -> None:
        """Stop the run that a worker refused, in another greenlet because stopping waits for messages."""
        if self.controller.run.running:
            logger.error(msg.data["message"])
            self.controller.run.notes.append(msg.data["message"])
            gevent.spawn(self.controller.runner.stop)

    def fault(self, environment: Environment, msg: Any, **_: Any) -> None:
        """A task of a worker has died."""
        self.break_off(f"worker {msg.node_id}: {msg.data['message']}")

    # -- errors of the run itself -------------------------------------------------------------------------------

    def listener_failed(self, error: BaseException) -> None:
        """Count an exception of a listener of any of Locust's events; log the first of its kind."""
        self.controller.run.errors.add_error(error)
        logger.debug("in a listener", exc_info=error)

    def break_off(self, reason: str) -> None:
        """End the run, which has an error."""
        self.controller.run.errors.add(reason)
        gevent.spawn(self.headless_run.end if self.headless_run else self.controller.runner.stop)

    # -- the end ------------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Note that a signal ends the run."""
        if not self.controller.run.finished.is_set():
            self.controller.interrupted = True
            if self.headless_run:
                self.headless_run.abandon()

    def quit(self) -> None:
        """End the run, if there is one, and the process."""
        if self.headless_run:
            gevent.spawn(self.headless_run.end)
        else:
            gevent.spawn(quit_run, self.controller, self._web_ui)

    def close(self, environment: Environment) -> None:
        """Set the exit code of the process, which is quitting; write the artefacts of a headless run."""
        controller = self.controller
        if not controller.plan.headless:
            environment.process_exit_code = 0 if controller.plan.ours else environment.process_exit_code
            return
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


def start(
    environment: Environment, runner: Runner, web_ui: WebUI | None, plan: Plan, users: agent.WorkerAgent | None
) -> MasterSide:
    """Return the side of the master, installed."""
    made = MasterSide(RunController(environment, plan), web_ui, users)
    made.install(runner)
    return made
