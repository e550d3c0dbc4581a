"""Looks at a run once a second: its sample, alerts, thresholds so far, and what happens to the server.

What it sees goes into the run (`run.observed`), for the verdict's cause. There is one observer for each run.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from rawsocket.master import figures
from rawsocket.master.live import drill
from rawsocket.master.live.running_figures import RunningFigures
from rawsocket.master.run import Run
from rawsocket.master.run_info import utc
from rawsocket.master.server_probe import Counters, ServerProbe, restarted
from rawsocket.master.timeline import Sample
from rawsocket.master.worker_lag import Rates
from rawsocket.measurement import histogram
from rawsocket.measurement.report import Report
from rawsocket.verdict import words
from rawsocket.verdict.alerts import (
    LATELY_S,
    NO_REPORT_S,
    NOTED_ELSEWHERE,
    PROCESSES,
    RESTARTED,
    SILENT_S,
    AlertBook,
    Now,
    Server,
    is_silent,
    overdue,
    status,
)
from rawsocket.verdict.observed import ALERT, PROCESS_LOST, WORKER_LOST, Silences
from rawsocket.verdict.run_errors import GENERATOR_LIMIT
from rawsocket.verdict.saturation import main_cause
from rawsocket.verdict.silent_feeds import Feeds

#: Models of the lab's server whose loops turn once a second or more, even if nothing happens.
LOOPS = ("select", "poll", "epoll", "busy", "asyncio")


class Observer:
    """See the module. Times are seconds since the start of the run."""

    def __init__(self, run: Run, probe: ServerProbe, age: Callable[[str], float]) -> None:
        self._run = run
        self._probe = probe
        self._age = age  # returns the seconds since a worker's last report
        self._book = AlertBook()
        self._silences = Silences()
        self._feeds = Feeds()
        self._rates = Rates()
        self._counts: dict[str, tuple[int, float]] = {}  # by name: the count, and when it last grew
        self._counters: Counters | None = probe.counters  # the latest that are known
        self._answered_at_s = 0.0
        self._restarts = 0
        self._lost: set[str] = set()
        self._turns: dict[str, tuple[float, float]] = {}  # of each process of the server, and when they last grew
        self.running_figures = RunningFigures(run)

    def sample(self, from_due: histogram.Histogram, at_s: float, users: int, held: int, event: str) -> Sample:
        """Return the sample of this second."""
        p50, p99 = histogram.quantiles(from_due, (0.5, 0.99))
        connects_s, messages_s, failures_s = self._rates.update(self._latest(), at_s)
        return Sample(
            time_utc=utc(),
            elapsed_s=round(at_s, 3),
            users=users,
            held=held,
            server_held=self._probe.held,
            connects_s=connects_s,
            messages_s=messages_s,
            failures_s=failures_s,
            p50_ms=p50,
            p99_ms=p99,
            event=event,
        )

    def look(self, at_s: float, live: Collection[str], held: int, users: int) -> None:
        """Look at the run while it goes on. `live` are the workers that Locust counts as live."""
        run = self._run
        drill.look(run)
        self._look_at_workers(at_s)
        server = self._look_at_server(at_s)
        now = Now(
            at_s=at_s,
            wanted=users * run.per_user,
            held=held,
            target=run.info.target,
            failures=self._failures(),
            growing=self._growing(at_s),
            silence=self._silences.look(live_reports(run, live), at_s, self._age),
            slowest_s=run.slowest_reply_us / 1e6,
            outstanding=self._outstanding(live),
            feed=self._feeds.look(live_reports(run, live), at_s),
            server=server,
            lost=[(own.name, own.lost) for own in run.participants if own.lost],
            ages=[(own.name, self._age(own.id)) for own in run.participants if own.report and not own.lost],
            saturated=self._saturated(),
            limit_example=run.examples().get(GENERATOR_LIMIT, ""),
            scenario_errors=run.scenario_errors(),
        )
        told_s = at_s - min((self._age(worker) for worker in live_reports(run, live)), default=0.0)
        run.observed.note_silence(now.silence if is_silent(now) else None, told_s)
        run.observed.note_overdue(overdue(now))
        run.observed.note_feed(now.feed)
        for alert in self._book.update(now):
            if alert.name not in NOTED_ELSEWHERE:
                run.observed.note(alert.since_s, ALERT, alert.text, alert.label)
        self.running_figures.look(at_s)

    def state(self) -> dict[str, Any]:
        """Return `status`, `alerts`, `events`, `silences`, `figures` and `thresholds` as /lab/state.json has them."""
        run = self._run
        alerts = self._book.lasting if run.running else []
        return {
            "status": status(
                started=run.started_at is not None,
                reporting=bool(run.reports()),
                troubled=bool(alerts) or any(check.ok is False for check in self.running_figures.checks),
                verdict=run.document["verdict"] if run.document else "",
            ),
            "alerts": alerts,
            "events": figures.events(run),
            "silences": run.observed.silences,
            "figures": self.running_figures.figures(),
            "thresholds": self.running_figures.thresholds(),
        }

    def _latest(self) -> dict[str, Report]:
        return {own.id: own.report for own in self._run.participants if own.report}

    def _failures(self) -> dict[str, int]:
        tcp = self._run.totals().connections
        return {name: tcp.failed.get(name, 0) + tcp.dropped.get(name, 0) for name in {**tcp.failed, **tcp.dropped}}

    def _growing(self, at_s: float) -> frozenset[str]:
        """Return the names of what was counted again lately."""
        seen = self._run.observed
        server = {PROCESSES: seen.processes_lost, RESTARTED: int(seen.restarted_at_s is not None)}
        for name, count in {**self._failures(), **server}.items():
            if count > self._counts.get(name, (0, 0.0))[0]:
                self._counts[name] = count, at_s
        return frozenset(name for name, (_, when) in self._counts.items() if at_s - when < LATELY_S)

    def _outstanding(self, live: Collection[str]) -> tuple[int, float]:
        """Return on how many connections a reply is overdue, and the longest wait; old reports say nothing of now."""
        fresh = [report for worker, report in live_reports(self._run, live).items() if self._age(worker) < NO_REPORT_S]
        return sum(one.outstanding for one in fresh), max((one.outstanding_s for one in fresh), default=0.0)

    def _stuck(self, counters: Counters, at_s: float) -> int:
        """Return how many of the server's processes hold connections and have not turned their loop for SILENT_S."""
        if _model(counters) not in LOOPS:
            return 0
        for process, turns in counters.get("process_loop_turns_total", {}).items():
            if turns != self._turns.get(process, (None, 0.0))[0]:
                self._turns[process] = turns, at_s
        held = counters.get("process_connections", {})
        return sum(bool(held.get(one)) and at_s - since >= SILENT_S for one, (_, since) in self._turns.items())

    def _saturated(self) -> list[tuple[str, str]]:
        """Return the workers whose figures would be in doubt if the run ended now."""
        run = self._run
        if run.window is None or not run.window.opened:
            return []
        workers = [figures.worker(run, own) for own in run.participants if not own.lost]
        return [(one.label, found[0]) for one in workers if (found := main_cause(one, run.info.max_lag_ms))]

    def _look_at_workers(self, at_s: float) -> None:
        for own in self._run.participants:
            if own.lost and own.id not in self._lost:
                self._lost.add(own.id)
                self._run.observed.note(at_s, WORKER_LOST, f"{own.name} lost: {own.lost}")

    def _look_at_server(self, at_s: float) -> Server:
        seen, counters = self._run.observed, self._probe.counters
        self._look_at_restarts(at_s)
        if counters is None:
            if self._counters is not None and seen.server_lost_at_s is None:
                seen.server_lost_at_s = self._answered_at_s
            silent_s = at_s - self._answered_at_s if self._counters is not None else 0.0
            about = self._counters or {}
            return Server(None, about.get("max_connections"), _model(about), answers=not silent_s, silent_s=silent_s)
        self._compare(counters, at_s)
        self._answered_at_s, seen.server_lost_at_s = at_s, None
        if self._run.window and self._run.window.is_open:
            seen.loop_lag_s = max(seen.loop_lag_s, counters.get("loop_lag_seconds", 0.0))
        return Server(
            self._probe.held,
            counters.get("max_connections"),
            _model(counters),
            int(counters.get("processes", 1)),
            int(counters.get("processes_wanted", 1)),
            self._stuck(counters, at_s),
        )

    def _look_at_restarts(self, at_s: float) -> None:
        """Note restarts of a server without counters."""
        if self._probe.usage.restarts > self._restarts:
            self._restarts = self._probe.usage.restarts
            self._note_restart(at_s)

    def _note_restart(self, at_s: float) -> None:
        seen = self._run.observed
        seen.restarted_at_s = at_s if seen.restarted_at_s is None else seen.restarted_at_s
        seen.note(at_s, PROCESS_LOST, "the server was restarted")

    def _compare(self, counters: Counters, at_s: float) -> None:
        """Note a restart of the server, or processes of it that were replaced, since the last answer."""
        seen, before, self._counters = self._run.observed, self._counters, counters
        if before is None or before is counters:
            return
        if restarted(before, counters):
            self._note_restart(at_s)
            return
        lost = int(counters.get("respawns_total", 0) - before.get("respawns_total", 0))
        if lost > 0:
            cut = _lost(counters) - _lost(before)
            seen.processes_lost += lost
            seen.connections_lost += cut
            what = words.count(lost, "process", "processes")
            seen.note(at_s, PROCESS_LOST, f"{what} of the server lost: {words.count(cut, 'connection')} cut")


def live_reports(run: Run, live: Collection[str]) -> dict[str, Report]:
    """Return the latest report of each live worker that is not lost."""
    return {own.id: own.report for own in run.participants if own.report and not own.lost and own.id in live}


def _model(counters: Mapping[str, Any]) -> str:
    return str(counters.get("info", {}).get("model", ""))


def _lost(counters: Mapping[str, Any]) -> int:
    return int((counters.get("closed_total") or {}).get("lost", 0))
