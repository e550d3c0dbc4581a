"""The run controller: it receives a run's events and reports, samples each second and makes the verdict.

Life of a run: `test_start` creates it - ticks sample it once a second - `spawning_complete` lets the steady window open
2 s later - `test_stopping` closes it - `test_stop` waits, bounded, for each live worker's final report and judges.
`quitting` sets the exit code of the process. This works on a master and, with one worker named "local", in a local run.

Rules:

- Locust may call stop from its own listener greenlet, may fire `quitting` twice, and may quit workers
  without stopping them first: each step here happens once, and the final reports are requested before the
  workers are asked to quit.
- Every wait is bounded, and none is for a worker that is known to be lost.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event
from locust import LoadTestShape
from locust.env import Environment
from locust.runners import (
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    MasterRunner,
    Runner,
)

from rawsocket.identity import csv_rows
from rawsocket.identity.number_allocator import NumberAllocator
from rawsocket.master import figures, run_info
from rawsocket.master.live import lab_facts
from rawsocket.master.live.observer import Observer
from rawsocket.master.live.server_usage import ServerUsage
from rawsocket.master.observability.target_metrics import TargetMetrics
from rawsocket.master.run import Run
from rawsocket.master.run_info import RunInfo, utc
from rawsocket.master.server_counts import ServerCounts, wire_format
from rawsocket.master.server_probe import ServerProbe
from rawsocket.master.timeline import AFTERMATH_S
from rawsocket.master.workers import Workers
from rawsocket.measurement.latency_log import LatencyLog
from rawsocket.measurement.recorder import RECORDER
from rawsocket.measurement.report import Limits, Report, ReportError
from rawsocket.settings import thresholds
from rawsocket.settings.plan import Plan
from rawsocket.verdict import words
from rawsocket.verdict.judge import MISSING_AFTER_S
from rawsocket.verdict.observed import RAMP, STEP, STOP
from rawsocket.worker import limits

FINALS_S = 10.0  # timeout for the final reports of live workers, beyond Locust's stop timeout
TOLD_S = 0.5
BACK_S = 2.0
LOCAL = "local"
logger = logging.getLogger(__name__)


class RunController:
    """Handles Locust's events. It has the current run, the workers and the probe, which outlive it. Monotonic times."""

    def __init__(self, environment: Environment, plan: Plan) -> None:
        assert environment.runner is not None
        self.environment = environment
        self.runner: Runner = environment.runner
        self.plan = plan
        self.workers = Workers()
        usage = ServerUsage.configured(plan.server_usage, plan.runs, plan.server_name)
        self.probe = ServerProbe(plan.server_admin, usage=usage)
        self.target_metrics = TargetMetrics(plan.target_metrics)
        self.numbers = NumberAllocator(self.runner, self.live)
        self.interrupted = False
        self.seconds = Event()  # set and cleared at every tick
        self.local_report: Callable[[], Report] = RECORDER.report  # of a local run
        self._asked: tuple[int, float] | None = None  # users and rate
        # Before the first run: an empty one, which can be shown and judged.
        self.run = Run(
            RunInfo(),
            thresholds=thresholds.limits(environment.parsed_options, self._overrides(plan.min_held)),
            server_counts=ServerCounts.before_first_run(self.probe),
            log=LatencyLog(plan.runs),
        )
        self.observer = Observer(self.run, self.probe, self.workers.age)

    # -- the workers --------------------------------------------------------------------------------------------

    @property
    def local(self) -> bool:
        """Whether this process runs the users itself."""
        return not isinstance(self.runner, MasterRunner)

    def live(self) -> list[str]:
        """Return the workers that Locust counts as live."""
        if self.local:
            return [LOCAL]
        return [client.id for client in self.runner.clients.values() if client.state != STATE_MISSING]  # type: ignore[attr-defined]

    @property
    def shape(self) -> LoadTestShape | None:
        """The scenario's load shape, if it has one: it decides on users, rate and time."""
        return self.environment.shape_class

    @property
    def users_wanted(self) -> int:
        """The users that are asked for now."""
        return self.runner.target_user_count

    def held(self) -> int:
        """Return the number of connections held now."""
        return self.workers.held(self.live())

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start of the run, 0 before the first."""
        return time.monotonic() - self.run.started_at if self.run.started_at is not None else 0.0

    def refuse(self, users: int) -> str | None:
        """Return why these users can't be started on the current workers, or None."""
        if reason := csv_rows.refusal(self.runner.user_classes, users):
            return reason
        live = self.live()
        known = [found for worker in live if (found := self.workers.worker(worker).limits)]
        classes = self.runner.user_classes
        memory = max((getattr(user, "kb_per_user", limits.KB_PER_USER) for user in classes), default=limits.KB_PER_USER)
        target = self.environment.host or self.plan.target
        memory += limits.KB_OF_TLS if target.startswith("tls://") else 0
        return limits.fits(users, len(live), known, memory, max(map(run_info.per_user, classes), default=1))

    # -- events of a run ----------------------------------------------------------------------------------------

    def on_test_start(self) -> None:
        """Replace the run by a new one."""
        server_counts = ServerCounts.at_start(self.probe)
        self.run.log.discard()
        self.numbers.begin_run()
        self.target_metrics.begin_run()
        before, held = self.run, run_info.min_held(self.environment, self.plan)
        self.run = Run(
            run_info.describe(self.environment, self.plan),
            started_at=time.monotonic(),
            workers=self.live(),
            run_numbers=self.workers.run_numbers(),
            thresholds=thresholds.limits(self.environment.parsed_options, self._overrides(held)),
            wire_format=wire_format(self.runner.user_classes, self.environment.parsed_options),
            server_counts=server_counts,
            log=LatencyLog(run_info.folder(self.plan)),
            per_user=run_info.least_per_user(self.environment),
            started_wall_s=run_info.wall_s(),
            label=self.workers.label,
            shape=run_info.own_shape(self.environment),
        )
        self._asked = None
        if before.started_at is None:
            self.run.errors = before.errors  # of the process's start
        self.observer = Observer(self.run, self.probe, self.workers.age)

    def on_spawning_complete(self) -> None:
        """Schedule the opening of the steady window."""
        self.run.ramp_complete(time.monotonic())
        if self.run.running and not self.run.info.shape:
            text = f"all users started: {words.number(self.runner.user_count)}"
            self.run.observed.note(self.elapsed_s, RAMP, text)

    def on_test_stopping(self) -> None:
        """Close the steady window: later figures are affected by the stop."""
        run = self.run
        if not run.running:
            return
        self._note_workers()
        run.observed.note(self.elapsed_s, STOP, "stop asked")
        run.stopping(time.monotonic())
        run.server_counts.stopping(run.timeline.samples)

    def on_test_stop(self, timeout: float | None = None) -> None:
        """Gather the final reports and judge, once; wait for that, `timeout` seconds at most.

        It has a greenlet of its own: Locust may kill the one that stopped the run, since its last worker has left.
        """
        run = self.run
        if run.started_at is None or run.finished.is_set():
            return
        if run.ending is None:
            run.ending = gevent.spawn(self._finish, run)
        run.ending.join(timeout)

    def _finish(self, run: Run) -> None:
        try:
            if not self.local:
                self._gather(run)
            for own in run.participants:
                if not own.final and not own.lost:
                    own.lost = "it did not deliver its final numbers"
            if run.overdue().oldest_s > MISSING_AFTER_S:
                self._note_second()  # the timeline is to show the stall that the run ended in
            run.server_counts.end(hurry=self.interrupted)
            self.conclude()
        finally:
            run.finished.set()

    def conclude(self, again: bool = False) -> dict[str, Any]:
        """Judge the run, once or `again`; return the document of verdict.json."""
        run = self.run
        if run.document is None or again:
            run.info = run.info if run.info.started_utc else run_info.describe(self.environment, self.plan)
            run.info.ended_utc = utc()
            run.lab_facts = lab_facts.read(self.plan.runs)
            run.document = figures.document(run, self.interrupted)
        return run.document

    def receive(self, worker: str, report: Report, at_stop: bool = False) -> None:
        """Take a worker's report; `at_stop` marks the one that it sends when it is asked to stop."""
        self.workers.receive(worker, report)
        self.run.receive(worker, report, at_stop)

    def receive_wire(self, worker: str, data: Any, at_stop: bool = False) -> None:
        """Take a report in wire format. If it can't be read, its worker is lost."""
        try:
            self.receive(worker, Report.from_wire(data), at_stop)
        except ReportError as error:
            self.lose(worker, f"its report can't be read ({error}): does it run the same version as the master?")

    def receive_limits(self, worker: str, data: Any) -> None:
        """Take a worker's limits in wire format; its reports have them, too."""
        try:
            self.workers.worker(worker).limits = Limits.from_wire(data, "limits")
        except ReportError as error:
            logger.error("worker %s: its limits can't be read: %s", worker, error)

    def lose(self, worker: str, reason: str) -> None:
        """Count a worker as lost for this run, unless it has ended."""
        if not (own := self.run.participant(worker)).lost and not self.run.finished.is_set():
            own.lost = reason
            logger.error("worker %s is lost: %s", worker, reason)

    # -- once a second ------------------------------------------------------------------------------------------

    def run_clock(self) -> None:
        """Tick once a second, without drift, for ever."""
        due = time.monotonic()
        while True:
            due = max(due + 1.0, time.monotonic())
            gevent.sleep(max(0.0, due - time.monotonic()))
            self.tick()
            self.seconds.set()
            self.seconds.clear()

    def tick(self) -> None:
        """Sample one second of a run, or of the time after it."""
        if self.local:
            self.receive(LOCAL, self.local_report())
        else:
            self._unstick()
        self.numbers.deal()  # those of a worker that was lost
        now, run = time.monotonic(), self.run
        if run.started_at is None or (run.stopping_at is not None and now > run.stopping_at + AFTERMATH_S):
            return
        if run.running:
            self._note_workers()
            self._move_window(now)
        self._note_second()
        if run.running:
            self.observer.look(self.elapsed_s, self.live(), self.held(), self.runner.user_count)

    def _note_second(self) -> None:
        second, at_s = self.run.take_second(), self.elapsed_s
        fresh = second.by_kind()
        self.run.log.add(at_s, fresh, second.apart())
        users, held, event = self.runner.user_count, self.held(), self._asked_for()
        sample = self.observer.sample(fresh["from_due"], at_s, users, held, event)
        self.run.add_sample(sample, {**self.target_metrics.values(), **self.probe.usage.values()})

    def _unstick(self) -> None:
        """Set Locust's state to 'stopped' when all live workers have stopped; Locust waits a minute for a dead one."""
        ready = len(self.runner.clients.ready)  # type: ignore[attr-defined]
        if self.runner.state == STATE_STOPPING and self.run.finished.is_set() and ready == len(self.live()):
            self.runner.update_state(STATE_STOPPED)

    def _asked_for(self) -> str:
        """Return what is asked for from this second on, "" if that has not changed."""
        asked = self.users_wanted, float(getattr(self.runner, "spawn_rate", 0) or 0)
        if asked == self._asked or not self.run.running:
            return ""
        first, self._asked = self._asked is None, asked
        users, rate = asked
        text = f"{users} users at {rate:g}/s"
        if self.run.info.shape or not first:
            self.run.observed.note(self.elapsed_s, STEP, text)
        if self.run.info.shape:
            self.run.info.users, self.run.info.rate = max(users, self.run.info.users), rate
            if reason := self.refuse(users):
                self.run.notes.append(reason)
        return text

    def _move_window(self, now: float) -> None:
        if self.runner.state == STATE_SPAWNING:
            self.run.ramp_started(now)
        elif self.runner.state == STATE_RUNNING:
            self.run.open_window(now)

    def _note_workers(self) -> None:
        """Note the state and users of each worker, and workers that were lost before stop was asked."""
        for own in self.run.participants:
            if self.local:
                own.state, own.users = str(self.runner.state), self.runner.user_count
                continue
            client = self.runner.clients.get(own.id)  # type: ignore[attr-defined]
            own.lost = own.lost or _loss(client)
            own.state = own.state if client is None else str(client.state)
            own.users = 0 if client is None else client.user_count

    # -- the end of a run ---------------------------------------------------------------------------------------

    def _gather(self, run: Run) -> None:
        """Wait, bounded, for the final report of each live worker; ask workers to stop that Locust hasn't asked."""

        def awaited() -> list[str]:
            live = set(self.live())
            return [own.id for own in run.participants if not own.final and not own.lost and own.id in live]

        if not self.runner.user_count:
            _wait_while(awaited, TOLD_S)  # Locust has asked them to stop, or they have just started
        for worker in awaited():
            self.runner.send_message("stop", client_id=worker)
        _wait_while(awaited, FINALS_S + (self.environment.stop_timeout or 0))
        # A worker that has stopped disconnects and comes back as ready; 'quit' only reaches it then.
        _wait_while(self._away, BACK_S)

    def _away(self) -> list[str]:
        live = set(self.live())
        return [own.id for own in self.run.participants if not own.lost and own.id not in live]

    def _overrides(self, min_held: float | None) -> dict[str, float | None]:
        return {} if min_held is None else {"min_held": min_held}


def _loss(client: Any) -> str:
    if client is None:
        return "it quit before stop was asked"
    return "it went missing" if client.state == STATE_MISSING else ""


def _wait_while(waiting: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while waiting() and time.monotonic() < deadline:
        gevent.sleep(0.05)
