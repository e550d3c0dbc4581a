"""The worker's agent: sends the reports, and makes sure that load only goes to its target.

Rules:

- A report goes to the master every second along with Locust's own. The numbers of the last second are a separate
  message, because Locust sends its last report only when it quits. One more report marks the moment when stop is asked.
- No user starts if the host is not the lab's target, or if a file of rows can't be read.
"""

import dataclasses
import gc
import logging
import os
import time
from collections.abc import Callable
from typing import Any

from locust.runners import LocalRunner, Runner, WorkerRunner

from rawsocket import locust_patches, target
from rawsocket.engine.engine import engine
from rawsocket.identity import csv_rows
from rawsocket.measurement.custom_figures import MEASURED_ROWS
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from rawsocket.measurement.report import Report
from rawsocket.settings.plan import read_setting
from rawsocket.users.reconnect import no_jitter
from rawsocket.verdict.alerts import SILENT_S
from rawsocket.worker import limits
from rawsocket.worker.lag import LagMeter
from rawsocket.worker.user_group import UserStopper

REPORT_S = 1.0
COLLECT_AFTER = 60  # reports
# Names of the messages to the master, and of our part of Locust's own report.
FINAL, STOPPING, LIMITS, REFUSED = "holdfast_final", "holdfast_stopping", "holdfast_limits", "holdfast_refused"
FAULT = "holdfast_fault"
REPORT = "holdfast"
logger = logging.getLogger(__name__)


class WorkerAgent:
    """The tasks of a process with users besides running them, on a worker or in a local run."""

    def __init__(self, runner: Runner, environ: dict[str, str] | None = None) -> None:
        self._runner = runner
        self._environ = dict(os.environ) if environ is None else environ
        self._refusal = ""  # of the current run
        self._reports = 0
        locust_patches.spawn_only_if(runner, lambda: not self._refusal)
        locust_patches.lighten_worker()
        locust_patches.report_every(REPORT_S)
        UserStopper(runner)
        sources = list(read_setting(self._environ, "SOURCES") or ())
        engine().connector.connect_from(sources)
        engine().connector.spread = bool(read_setting(self._environ, "SPREAD"))
        if not read_setting(self._environ, "RECONNECT_JITTER"):
            engine().reconnect_random = no_jitter
        self.limits = limits.read(sources=len(sources))
        engine().reactor.on_error = _handler_failed
        self.lag_meter = LagMeter()
        self.lag_meter.start()
        if isinstance(runner, WorkerRunner):
            runner.send_message(LIMITS, self.limits.to_wire())

    def on_test_start(self) -> None:
        """Start the run's counts, and refuse a run that can't be made."""
        RECORDER.begin_run()
        self._refusal = self.refusal() or ""
        if self._refusal:
            logger.error(self._refusal)
            self._send_refusal(self._refusal)

    def refusal(self) -> str | None:
        """Return why this run can't be made, or None: its host is foreign, or a file of rows can't be used."""
        return self._foreign_host() or self._unusable_rows()

    def _unusable_rows(self) -> str | None:
        """Only a local run knows here how many users there will be; the master checks that for its workers."""
        users = self._runner.target_user_count if isinstance(self._runner, LocalRunner) else 0
        return csv_rows.refusal(self._runner.user_classes, users)

    def _foreign_host(self) -> str | None:
        allowed = target.allowed(self._environ)
        if allowed is None:
            return None
        environment = self._runner.environment
        hosts = {environment.host or user.host for user in self._runner.user_classes} - {None, ""}
        for host in sorted(str(host) for host in hosts):
            try:
                same = target.parse(host) == allowed
            except ValueError:
                same = False
            if not same:
                return f"target-refused: this lab loads {allowed.url} only, not {host}"
        return None

    def report(self, final: bool = False) -> Report:
        """Return this process's report, and pass new figures of our rows on to Locust's statistics."""
        for rows in (BATCH, MEASURED_ROWS):
            rows.flush(self._runner.environment)
        silent = sum(not getattr(handler, "heard", True) for handler in engine().reactor.handlers)
        late = engine().deadlines.outstanding(SILENT_S)
        return dataclasses.replace(
            RECORDER.report(final),
            silent=silent,
            outstanding=len(late),
            outstanding_s=max(late, default=0.0),
            lag=self.lag_meter.report(),
            limits=self.limits,
        )

    def report_at_stop(self) -> Report:
        """Note which messages have no reply when stop is asked, and return this process's report."""
        now = time.perf_counter()
        # A connect may try several addresses at once: that is one owner with several handlers.
        owners = dict.fromkeys(handler.owner for handler in engine().reactor.handlers)
        RECORDER.stop_asked(owner.waiting(now) for owner in owners)
        return self.report()

    def add_report(self, data: dict[str, Any]) -> None:
        """Add our report to Locust's; now and then, free young objects that refer to each other.

        Every ten seconds or so, each socket of ZeroMQ leaves some 30 of them. By itself Python frees them once there
        are 20,000 young objects (locust_patches.py: GC_THRESHOLDS), after two hours. That many take less than 1 ms.
        """
        data[REPORT] = self.report().to_wire()
        self._reports += 1
        if self._reports % COLLECT_AFTER == 0:
            gc.collect(0)

    def on_test_stopping(self) -> None:
        """Send the report of the moment when stop is asked."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(STOPPING, self.report_at_stop().to_wire())

    def on_test_stop(self) -> None:
        """Send the final report."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(FINAL, self.report(final=True).to_wire())

    def report_fault(self, reason: str) -> None:
        """Tell the master why this worker can't go on."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(FAULT, {"message": reason})

    def quit(self) -> None:
        """Stop the users and let Locust's main greenlet shut the process down."""
        self._runner.quit()

    def _send_refusal(self, message: str) -> None:
        """Show the error in the page, and stop the run."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message("exception", {"msg": message, "traceback": message})
            self._runner.send_message(REFUSED, {"message": message})
        elif isinstance(self._runner, LocalRunner):
            self._runner.log_exception("local", message, message)


def _handler_failed(error: BaseException) -> None:
    """Count an exception in the reactor's callbacks, mostly of code that the scenario gave to the engine."""
    if RECORDER.scenario_errors.add(error):
        logger.error("an exception in a callback of the reactor", exc_info=error)


def linger(seconds: float, ended: Callable[[], bool], sleep: Callable[[float], None] = time.sleep) -> None:
    """Stay until `ended()`, for up to `seconds`: compose stops the master if a worker exits before it."""
    deadline = time.monotonic() + seconds
    while not ended() and time.monotonic() < deadline:
        sleep(0.1)
