"""One run on the master: its participants, timeline, times, steady window and verdict. The next run is another object.

Rules:

- Counts in a report are absolute, so a worker's latest report replaces the previous one; a dead worker's last counts
  stay in the totals. Times are those since the previous report: they are added up.
- Each worker numbers its runs. A report of an earlier run is ignored.
- Failures after stop was asked don't count, nor do shortages of the generator's own machine.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gevent import Greenlet
from gevent.event import Event

from rawsocket.master.levels.record import Levels
from rawsocket.master.run_errors import RunErrors
from rawsocket.master.run_info import RunInfo
from rawsocket.master.server_counts import ServerCounts
from rawsocket.master.steady_window import SteadyWindow, WorkerWindow, lowest
from rawsocket.master.timeline import FailureTimes, Sample, Timeline
from rawsocket.master.worker_lag import failures, kinds, limited
from rawsocket.measurement import histogram
from rawsocket.measurement.latencies import Latencies, RowKey, slowest_reply_us
from rawsocket.measurement.latency_log import LatencyLog
from rawsocket.measurement.overdue import OverdueTotals
from rawsocket.measurement.report import Counts, Overdue, Report, RowReport, ScenarioError, total
from rawsocket.measurement.stats_rows import TYPE
from rawsocket.settings.table import STEADY_AFTER_S
from rawsocket.shapes.shape import Shape
from rawsocket.verdict.drills.record import Record
from rawsocket.verdict.ledger_rows import WireFormat
from rawsocket.verdict.observed import LabFact, Observed


@dataclass
class Participant:
    """One worker in one run; `after_run` is the number of its last run before this one, `lost` says how it was lost.

    `name` is what a person calls it.
    """

    id: str
    after_run: int = 0
    report: Report | None = None  # the latest of this run
    report_at_stop: Report | None = None  # the latest one before it was asked to stop
    overdue: Overdue | None = None
    worst_lag_us: int | None = None
    final: bool = False
    lost: str = ""
    state: str = ""
    users: int = 0
    name: str = ""


@dataclass
class RowTotals:
    """One row of the statistics, summed over all workers; `times` by the name of the reported list."""

    requests: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    times: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    again: int = 0
    again_bytes: int = 0

    def add(self, row: RowReport) -> None:
        """Add the counts of one worker."""
        self.requests += row.requests
        self.bytes += row.bytes
        self.again += row.again
        self.again_bytes += row.again_bytes
        for failure, count in row.failures.items():
            self.failures[failure] = self.failures.get(failure, 0) + count


class Run:
    """State of one run; times are of the monotonic clock. `started_at` None: no run has started in this process.

    `per_user`: connections that each user holds. `started_wall_s`: its start by the wall clock.
    `label` returns what a person calls a worker. `shape`: a load shape of ours, see levels/; None without one.
    """

    def __init__(
        self,
        info: RunInfo,
        started_at: float | None = None,
        workers: Iterable[str] = (),
        run_numbers: Mapping[str, int] | None = None,
        thresholds: Mapping[str, float] | None = None,
        wire_format: WireFormat | None = None,
        server_counts: ServerCounts | None = None,
        log: LatencyLog | None = None,
        per_user: int = 1,
        started_wall_s: float = 0.0,
        label: Callable[[str], str] = "worker {}".format,
        shape: Shape | None = None,
    ) -> None:
        self.info = info
        self.started_at = started_at
        self.started_wall_s = started_wall_s
        self.thresholds = thresholds or {}
        self.wire_format = wire_format or WireFormat()
        self.server_counts = server_counts or ServerCounts.none()
        self.log = log or LatencyLog()
        self.timeline = Timeline()
        self.failure_times = FailureTimes()
        self._unjudged: set[str] = set()
        self.latencies = Latencies(self._unjudged)
        self.window: SteadyWindow | None = None
        self.levels = Levels(shape, self._unjudged)
        self.slowest_reply_us = 0  # of those that came before stop was asked
        self.stopping_at: float | None = None
        self.notes: list[str] = []
        self.per_user = per_user
        self.observed = Observed()
        self.drill = Record(started_wall_s)
        self.drill_window: SteadyWindow | None = None  # from the fault to the recovery
        self.lab_facts: list[LabFact] = []
        self.errors = RunErrors()
        self.document: dict[str, Any] | None = None
        self.ending: Greenlet | None = None  # gathers the final reports and judges
        self.finished = Event()
        self._second = Latencies(self._unjudged)
        self._run_numbers = run_numbers or {}
        self._label = label
        self._participants: dict[str, Participant] = {}
        for worker in workers:
            self.participant(worker)

    # -- events ------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the run has started and stop was not asked yet."""
        return self.started_at is not None and self.stopping_at is None

    def participant(self, worker: str) -> Participant:
        """Return the worker's entry, creating one if it takes part from now on."""
        if worker not in self._participants:
            before = self._run_numbers.get(worker, 0)
            self._participants[worker] = Participant(worker, before, name=self._label(worker))
        return self._participants[worker]

    def find(self, worker: str) -> Participant | None:
        """Return the worker's entry, None if it takes no part."""
        return self._participants.get(worker)

    def receive(self, worker: str, report: Report, at_stop: bool = False) -> None:
        """Take a report; `at_stop` marks the one that a worker sends when it is asked to stop."""
        stopping = self.stopping_at is not None
        own = self.find(worker)
        if own and report.final and stopping:
            own.final = True  # also if the worker was asked to stop before it had started
        if report.run <= self._run_numbers.get(worker, 0):
            return
        own = self.participant(worker)
        own.final = own.final or (report.final and stopping)
        self.errors.take(worker, report)
        before_s, own.report = own.report.wall_s if own.report else 0.0, report
        if at_stop or not stopping:
            own.report_at_stop = report
        if report.lag:
            own.worst_lag_us = max(own.worst_lag_us or 0, report.lag.worst_us)
        self._add_times(report)
        for window in filter(None, (self.window, self.drill_window)):
            window.add(worker, report, before_s, at_stop)
        self.levels.add(worker, report, before_s, at_stop)
        self._add_overdue(own, report.overdue)

    def ramp_started(self, now: float) -> None:
        """Drop the steady window: its measurements are no part of the next one. Under a load shape it is paused.

        A shape of ours pauses it by itself, and Locust may say that users are started while a level is held.
        """
        if self.levels:
            self.open_window(now)
        elif self.window and self.info.shape:
            self.window.pause(now, math.inf)
        else:
            self.window = None

    def ramp_complete(self, now: float) -> None:
        """Schedule a steady window STEADY_AFTER_S from now; under a shape of ours that is the levels' matter."""
        if not self.levels:
            self.schedule_window(now, now + STEADY_AFTER_S)

    def schedule_window(self, now: float, at: float) -> None:
        """Let the steady window open, or go on, at that time."""
        if self.running and self.window and self.info.shape:
            self.window.pause(now, at)
        elif self.running:
            self.window = SteadyWindow(at, Latencies(self._unjudged))

    def open_window(self, now: float) -> None:
        """Open the steady window if it is time, or resume it; that of a level as well."""
        latest = {own.id: own.report for own in self.participants}
        self.levels.open_window(now, latest)
        if self.window:
            self.window.resume(now)
        if self.window and not self.window.opened and now >= self.window.opens_at:
            self.window.open(latest)

    def stopping(self, now: float) -> None:
        """Note that stop was asked for; closes the window."""
        self.stopping_at = now
        self.levels.stopping(now)
        if self.window and self.window.opened and self.started_at is not None:
            self.window.close(now)
            self.info.steady_from_s = round(self.window.opens_at - self.started_at, 3)
            self.info.steady_s = round(self.window.seconds, 3)

    def add_sample(self, sample: Sample, target: Mapping[str, float] | None = None) -> None:
        """Add a second to the timeline; `target`: see there."""
        self.timeline.add(sample, target)
        by_kind = sum((Counter(row.failures) for row in self.rows_until_stop().values()), Counter[str]())
        self.failure_times.note(sample.elapsed_s, by_kind)
        if self.window:
            self.window.add_sample(sample)
        self.levels.add_sample(sample)

    def take_second(self) -> Latencies:
        """Return the times since the last call."""
        second, self._second = self._second, Latencies(self._unjudged)
        return second

    # -- figures ------------------------------------------------------------------------------------------------

    @property
    def participants(self) -> list[Participant]:
        """The workers that took part, lost ones included, in order of their names."""
        return sorted(self._participants.values(), key=lambda own: own.id)

    @property
    def steady_samples(self) -> list[Sample]:
        """The seconds of the steady window."""
        return self.window.samples if self.window else []

    @property
    def steady_latencies(self) -> Latencies:
        """The times of the steady window."""
        return self.window.latencies if self.window else Latencies()

    def held_floor(self) -> tuple[int | None, float | None]:
        """Return the lowest number held in a steady second, and the limit of MIN_HELD, None if it is not judged.

        Under a load shape both are of the second that was furthest below its users, or below MIN_HELD if that is lower.
        """
        limit, samples = self.thresholds.get("min_held"), self.steady_samples
        if not self.info.shape or limit is None or not samples:
            return lowest(samples, "held"), None if limit == math.inf else limit
        wanted = [(sample, min(limit, sample.users * self.per_user)) for sample in samples]
        worst, most = max(wanted, key=lambda second: second[1] - second[0].held)
        return worst.held, most

    def limits(self) -> dict[str, float]:
        """Return the limit of each judged threshold."""
        _, held = self.held_floor()
        others = {name: limit for name, limit in self.thresholds.items() if name != "min_held"}
        return others if held is None else {**others, "min_held": held}

    def steady(self, worker: str) -> WorkerWindow:
        """Return what a worker reported in the steady window."""
        return (self.window.workers.get(worker) if self.window else None) or WorkerWindow()

    def reports(self) -> list[Report]:
        """Return the latest report of each participant, dead ones included."""
        return [own.report for own in self._participants.values() if own.report]

    def totals(self) -> Counts:
        """Return the counts of all participants, dead ones included."""
        return total(report.counts for report in self.reports())

    def failures_until_stop(self) -> int:
        """Return the failures of all workers up to the moment when each was asked to stop."""
        return self.failure_kinds().total()

    def failure_kinds(self) -> Counter[str]:
        """Return how often each of these failures happened, by name."""
        reports = (own.report_at_stop for own in self._participants.values())
        return sum((kinds(report) for report in reports if report), Counter())

    def failures(self) -> int:
        """Return the failures of all workers so far."""
        return sum(map(failures, self.reports()))

    def limited(self) -> int:
        """Return how often the generator's own machine ran short."""
        return sum(map(limited, self.reports()))

    def scenario_errors(self) -> list[ScenarioError]:
        """Return the exceptions of the scenario, on all workers and in this process."""
        return self.errors.of_scenario(self.reports())

    def events_until_stop(self) -> int:
        """Return the events of all rows up to that moment; figures of the scenario's own are none."""
        reports = (own.report_at_stop for own in self._participants.values())
        return sum(row.requests for report in reports if report for row in report.rows if row.type == TYPE)

    def rows_until_stop(self) -> dict[str, RowTotals]:
        """Return the events of each row, by its name, up to the moment when each worker was asked to stop."""
        found: dict[str, RowTotals] = {}
        for own in self._participants.values():
            for row in own.report_at_stop.rows if own.report_at_stop else ():
                found.setdefault(row.name, RowTotals()).add(row)
        return found

    def overdue(self) -> OverdueTotals:
        """Return the messages that were due and had no reply when stop was asked."""
        totals = OverdueTotals()
        for own in self._participants.values():
            if own.overdue:
                totals.count += own.overdue.count
                totals.oldest_s = max(totals.oldest_s, own.overdue.oldest_s)
                histogram.add(totals.owed, own.overdue.owed)
        return totals

    def examples(self) -> dict[str, str]:
        """Return an example of a wrong reply for each failure."""
        return {name: seen for report in self.reports() for name, seen in report.examples.items()}

    def rows(self) -> dict[RowKey, RowTotals]:
        """Return the rows of the statistics by (type, name)."""
        # A row whose messages were never sent has only waiting ones.
        rows = {key: RowTotals(times=times) for key, times in self.latencies.rows.items()}
        for report in self.reports():
            for row in report.rows:
                rows.setdefault((row.type, row.name), RowTotals()).add(row)
        return dict(sorted(rows.items()))

    def _add_times(self, report: Report) -> None:
        # Workers stop one after the other: capacity freed by the first goes to the users of the next.
        if self.stopping_at is None:
            self.slowest_reply_us = max(self.slowest_reply_us, slowest_reply_us(report.rows))
        self.latencies.add(report.rows)
        self._second.add(report.rows)

    def _add_overdue(self, own: Participant, overdue: Overdue) -> None:
        if own.overdue is not None or not overdue.count:
            return
        own.overdue = overdue
        steady = [self.window.latencies] if self.window and self.window.opened else []
        for latencies in (self.latencies, self._second, *steady, *self.levels.latencies_at_stop()):
            latencies.add_overdue(overdue)
