"""The worker's side: reports with the gauge, final numbers, limits, and the guard that keeps the load on its target.

Rules:

- Every second a report with absolute values goes along with Locust's own; the numbers of the last second go
  as a message of their own, because Locust sends its last report only when it quits. One more report marks
  the moment at which stop is asked.
- No user starts where the host is not the lab's target: `spawn_users` of this runner is replaced by one
  that looks first.
"""

import logging
import os
import time
from collections.abc import Callable
from typing import Any

import locust.runners
from locust.runners import LocalRunner, Runner, WorkerRunner

from rawsocket import target
from rawsocket.engine import dial
from rawsocket.locust_patches import lighten_worker
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from rawsocket.users.runner import Life
from rawsocket.worker import limits
from rawsocket.worker.lag import Meter
from rawsocket.worker.user_group import Ender

REPORT_S = 1.0
FINAL, STOPPING, LIMITS, REFUSED = "holdfast_final", "holdfast_stopping", "holdfast_limits", "holdfast_refused"
logger = logging.getLogger(__name__)


class Side:
    """What a process that runs users does beside running them: a worker's, or the one local process's."""

    def __init__(self, runner: Runner, environ: dict[str, str] | None = None) -> None:
        self._runner = runner
        self._environ = dict(os.environ) if environ is None else environ
        self._refusal = ""
        self._spawn: Callable[..., Any] = runner.spawn_users
        runner.spawn_users = self._spawn_users  # type: ignore[method-assign]
        Ender(runner)
        lighten_worker()
        sources = [part.strip() for part in self._environ.get("SOURCES", "").split(",") if part.strip()]
        dial.bind_to(sources)
        self.limits = limits.read(sources=len(sources)).as_dict()
        self.meter = Meter()
        self.meter.start()
        locust.runners.WORKER_REPORT_INTERVAL = REPORT_S
        if isinstance(runner, WorkerRunner):
            runner.send_message(LIMITS, self.limits)

    def on_test_start(self) -> None:
        """Begin a run's numbers, and refuse the run where its host is not the lab's target."""
        RECORDER.begin_run()
        self._refusal = self.refusal() or ""
        if self._refusal:
            logger.error(self._refusal)
            self._tell(self._refusal)

    def refusal(self) -> str | None:
        """Say why the hosts of this run may not be loaded, or None."""
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

    def numbers(self, final: bool = False) -> dict[str, Any]:
        """Give this process's report, and tell Locust's statistics what only our rows know so far."""
        BATCH.flush(self._runner.environment)
        return {**RECORDER.report(final), "health": self.meter.report(), "limits": self.limits}

    def report(self, data: dict[str, Any]) -> None:
        """Add our report to Locust's."""
        data["holdfast"] = self.numbers()

    def numbers_at_stop(self) -> dict[str, Any]:
        """Note what is waiting for a reply at the moment at which stop is asked, and give this process's report."""
        now = time.perf_counter()
        lives = [user for user in self._runner.user_greenlets if isinstance(user, Life)]
        RECORDER.stop_asked(one.waiting(now) for one in (*lives, *RECORDER.clients))
        return self.numbers()

    def on_test_stopping(self) -> None:
        """Send the numbers as they are at the moment at which stop is asked."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(STOPPING, self.numbers_at_stop())

    def on_test_stop(self) -> None:
        """Send the final numbers."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message(FINAL, self.numbers(final=True))

    def quit(self) -> None:
        """Stop the users and let Locust's main greenlet shut the process down."""
        self._runner.quit()

    def _spawn_users(self, *args: Any, **kwargs: Any) -> Any:
        return [] if self._refusal else self._spawn(*args, **kwargs)

    def _tell(self, message: str) -> None:
        """Give the one named error to the page, and have the run stopped."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.send_message("exception", {"msg": message, "traceback": message})
            self._runner.send_message(REFUSED, {"message": message})
        elif isinstance(self._runner, LocalRunner):
            self._runner.log_exception("local", message, message)


def linger(seconds: float, ended: Callable[[], bool], sleep: Callable[[float], None] = time.sleep) -> None:
    """Stay, up to `seconds`, until `ended()`: compose tears the master down when a worker leaves before it."""
    deadline = time.monotonic() + seconds
    while not ended() and time.monotonic() < deadline:
        sleep(0.1)
