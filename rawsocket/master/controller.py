"""The master's desk: where a run's events arrive, where its second hand ticks, where its verdict is made.

Life of a run: `test_start` begins it (all counts from zero) - ticks sample it once a second -
`spawning_complete` opens the steady window 2 s later - `test_stopping` closes it - `test_stop` waits,
bounded, for each live worker's final numbers and judges. `quitting` gives the process its exit code. It
works on a master and, with one member called "local", on a local run.

Rules:

- Locust may call stop from its own listener greenlet, may fire `quitting` twice, and may quit workers
  without stopping them first: each step here happens once, and the final numbers are asked for before the
  workers are sent away.
- Nobody waits without a bound, and never for a worker that is known to be gone.
"""

import functools
import operator
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import gevent
from gevent.event import Event
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

from rawsocket import options
from rawsocket.master import figures as judge
from rawsocket.master import server_counts as audit
from rawsocket.master.plan import Plan
from rawsocket.master.reports import hlog
from rawsocket.master.server_probe import STALE_S, ServerProbe
from rawsocket.master.timeline import AFTERMATH_S, Sample, Timeline
from rawsocket.master.workers import Fleet
from rawsocket.measurement import histogram
from rawsocket.measurement.recorder import RECORDER
from rawsocket.verdict.judge import MISSING_AFTER_S
from rawsocket.worker import limits as limit

# From the end of the ramp to the steady window: what the ramp caused is over by then, and what the server
# counted in it is too old to stand beside a steady second.
SETTLE_S = STALE_S
FINALS_S = 10.0  # how long the final numbers of live workers are waited for, beyond Locust's stop timeout
TOLD_S = 0.5
BACK_S = 2.0
LOCAL = "local"


def utc() -> str:
    """Give the time of day for people: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Desk:
    """State and events of the runs of one process; times are of the monotonic clock."""

    def __init__(self, environment: Environment, plan: Plan) -> None:
        assert environment.runner is not None
        self.environment = environment
        self.runner: Runner = environment.runner
        self.plan = plan
        self.fleet = Fleet()
        self.timeline = Timeline()
        self.log = hlog.Log(plan.runs)
        self.probe = ServerProbe(plan.server_admin)
        self.audit = audit.Audit(self.probe)
        self.document: dict[str, Any] | None = None
        self.interrupted = False
        self.notes: list[str] = []
        self.started_at: float | None = None
        self.stopping_at: float | None = None
        self.finished = Event()
        self.seconds = Event()  # set and cleared at every tick
        self.numbers: Callable[[], dict[str, Any]] = RECORDER.report  # of a local run
        self._run = judge.Run()
        self._steady_from: float | None = None
        self._window_open = False
        self._before: tuple[float, dict[str, Any]] = (0.0, {})
        self.thresholds = judge.thresholds(environment.parsed_options, plan.min_held)

    # -- who is there -------------------------------------------------------------------------------------------

    @property
    def local(self) -> bool:
        """Whether this process runs the users itself."""
        return not isinstance(self.runner, MasterRunner)

    def live(self) -> list[str]:
        """Give the workers that Locust counts as live."""
        if self.local:
            return [LOCAL]
        return [client.id for client in self.runner.clients.values() if client.state != STATE_MISSING]  # type: ignore[attr-defined]

    def held(self) -> int:
        """Give the gauge of connections held now."""
        return self.fleet.held(self.live())

    @property
    def running(self) -> bool:
        """Whether a run has begun and stop was not asked yet."""
        return self.started_at is not None and self.stopping_at is None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start of the run, 0 before the first."""
        return time.monotonic() - self.started_at if self.started_at is not None else 0.0

    def refuse(self, users: int) -> str | None:
        """Say why so many users can't be started on the workers that are here, or None."""
        live = self.live()
        known = [found for worker in live if (found := self.fleet.member(worker).limits)]
        memory = [getattr(user, "kb_per_user", limit.KB_PER_USER) for user in self.runner.user_classes]
        return limit.fits(users, len(live), known, max(memory, default=limit.KB_PER_USER))

    # -- events of a run ----------------------------------------------------------------------------------------

    def on_test_start(self) -> None:
        """Begin a run: everything from zero."""
        self.audit.begin()
        self.timeline = Timeline()
        self.fleet.begin(self.live())
        self.log.begin()
        self.document, self.notes = None, []
        self.started_at, self.stopping_at = time.monotonic(), None
        self._steady_from, self._window_open = None, False
        self._before = (self.started_at, self.fleet.totals())
        self._run = self._describe()
        self.thresholds = judge.thresholds(self.environment.parsed_options, self._min_held())
        self.finished.clear()

    def on_spawning_complete(self) -> None:
        """Let the steady window begin `SETTLE_S` from now."""
        self._void_window()
        self._steady_from = time.monotonic() + SETTLE_S

    def on_test_stopping(self) -> None:
        """Close the window: what comes from here on is the stop's own doing."""
        if not self.running:
            return
        self.stopping_at = time.monotonic()
        self._note_workers()
        self.timeline.close_window()
        self.audit.stopping(self.timeline.samples)
        self.fleet.stopping()
        if self._window_open and self._steady_from is not None and self.started_at is not None:
            self._run.steady_from_s = round(self._steady_from - self.started_at, 3)
            self._run.steady_s = round(self.stopping_at - self._steady_from, 3)

    def on_test_stop(self) -> None:
        """Gather the final numbers and judge."""
        if self.started_at is None or self.finished.is_set():
            return
        if not self.local:
            self._gather()
        for member in self.fleet.participants:
            if not member.final and not member.lost:
                member.lost = "it did not deliver its final numbers"
        if self.fleet.waiting()["oldest_s"] > MISSING_AFTER_S:
            self._note_second(time.monotonic())  # the timeline is to show the stall that the run ended in
        self.audit.end(hurry=self.interrupted)
        self.conclude()
        self.finished.set()

    def conclude(self) -> dict[str, Any]:
        """Judge what there is, once per run; gives the document of verdict.json."""
        if self.document is None:
            self._run = self._run if self._run.started_utc else self._describe()
            self._run.ended_utc = utc()
            self.document = judge.document(self.evidence())
        return self.document

    def evidence(self) -> judge.Evidence:
        """Give all that the verdict of the current run rests on."""
        return judge.Evidence(
            run=self._run,
            fleet=self.fleet,
            timeline=self.timeline,
            thresholds=self.thresholds,
            server=self.audit.grown,
            interrupted=self.interrupted,
            notes=tuple(self.notes),
            audited=self.audit.server(),
            wire=audit.wire(self.runner.user_classes, self.environment.parsed_options),
        )

    def take(self, worker: str, report: dict[str, Any], at_stop: bool = False) -> None:
        """Take a worker's report; its limits come along, because the first message may be missed."""
        if "limits" in report:
            self.fleet.member(worker).limits = limit.Limits(**report["limits"])
        self.fleet.take(worker, report, at_stop)

    # -- the second hand ----------------------------------------------------------------------------------------

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
        """Sample one second of a run, or of its aftermath."""
        if self.local:
            self.take(LOCAL, self.numbers())
        else:
            self._unstick()
        now = time.monotonic()
        if self.started_at is None or (self.stopping_at is not None and now > self.stopping_at + AFTERMATH_S):
            return
        if self.running:
            self._note_workers()
            self._move_window(now)
        self._note_second(now)

    def _note_second(self, now: float) -> None:
        fresh = self.fleet.fresh_latencies()
        self.log.add(self.elapsed_s, fresh)
        self.timeline.add(self._sample(now, fresh["from_due"]))

    def _unstick(self) -> None:
        """Let Locust's state become 'stopped' when all live workers have: it waits a minute for one that died."""
        ready = len(self.runner.clients.ready)  # type: ignore[attr-defined]
        if self.runner.state == STATE_STOPPING and self.finished.is_set() and ready == len(self.live()):
            self.runner.update_state(STATE_STOPPED)

    def _sample(self, now: float, from_due: histogram.Histogram) -> Sample:
        at, before = self._before
        totals = self.fleet.totals()
        self._before = (now, totals)
        p50, p99 = histogram.quantiles(from_due, (0.5, 0.99))

        def per_s(*path: str) -> float:
            return round((_at(totals, path) - _at(before, path)) / max(now - at, 0.001), 3)

        return Sample(
            time_utc=utc(),
            elapsed_s=round(self.elapsed_s, 3),
            users=self.runner.user_count,
            held=self.held(),
            server_held=self.probe.held,
            connects_s=per_s("connections", "connected"),
            messages_s=per_s("messages", "answered"),
            failures_s=per_s("failures"),
            p50_ms=p50,
            p99_ms=p99,
        )

    def _move_window(self, now: float) -> None:
        if self.runner.state == STATE_SPAWNING:
            self._void_window()
        elif not self._window_open and self._steady_from is not None and now >= self._steady_from:
            self._window_open = self.runner.state == STATE_RUNNING
            if self._window_open:
                self.fleet.open_window()
                self.timeline.open_window()

    def _void_window(self) -> None:
        self._steady_from, self._window_open = None, False
        self.fleet.close_window()
        self.timeline.void_window()

    def _note_workers(self) -> None:
        """Note state and users of each worker, and who is gone before stop was asked."""
        for member in self.fleet.participants:
            if self.local:
                member.state, member.users = str(self.runner.state), self.runner.user_count
                continue
            client = self.runner.clients.get(member.id)  # type: ignore[attr-defined]
            member.lost = member.lost or _loss(client)
            member.state = member.state if client is None else str(client.state)
            member.users = 0 if client is None else client.user_count

    # -- the end of a run ---------------------------------------------------------------------------------------

    def _gather(self) -> None:
        """Wait, bounded, until each live worker has said its last; tell those to stop whom Locust hasn't told."""
        if not self.runner.user_count:
            _wait_while(self._awaited, TOLD_S)  # Locust has told them to stop, or they have hardly begun
        for worker in self._awaited():
            self.runner.send_message("stop", client_id=worker)
        _wait_while(self._awaited, FINALS_S + (self.environment.stop_timeout or 0))
        # A worker that has stopped leaves and comes back ready; 'quit' only reaches it when it is back.
        _wait_while(self._away, BACK_S)

    def _awaited(self) -> list[str]:
        live = set(self.live())
        return [m.id for m in self.fleet.participants if not m.final and not m.lost and m.id in live]

    def _away(self) -> list[str]:
        live = set(self.live())
        return [m.id for m in self.fleet.participants if not m.lost and m.id not in live]

    def _describe(self) -> judge.Run:
        parsed, plan = self.environment.parsed_options, self.plan
        return judge.Run(
            scenario=plan.scenario,
            users=int(getattr(parsed, "num_users", None) or plan.users),
            rate=float(getattr(parsed, "spawn_rate", None) or plan.rate),
            time_s=plan.time_s if plan.headless else None,
            workers=plan.workers,
            target=self.environment.host or plan.target,
            every_s=options.value(parsed, "every"),
            size_bytes=options.value(parsed, "size"),
            framing=options.value(parsed, "framing"),
            app=options.value(parsed, "app"),
            started_utc=utc(),
        )

    def _min_held(self) -> int | None:
        """Give the MIN_HELD that overrules the flag: all users, where our headless run holds and none is given."""
        if not (self.plan.ours and self.plan.headless):
            return None
        if self.plan.min_held is not None:
            return self.plan.min_held
        holding = all(getattr(user, "holds", False) for user in self.runner.user_classes)
        return self.plan.users if holding else 0


def _loss(client: Any) -> str:
    if client is None:
        return "it quit before stop was asked"
    return "it went missing" if client.state == STATE_MISSING else ""


def _at(totals: Any, path: tuple[str, ...]) -> float:
    return float(functools.reduce(operator.getitem, path, totals))


def _wait_while(waiting: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while waiting() and time.monotonic() < deadline:
        gevent.sleep(0.05)
