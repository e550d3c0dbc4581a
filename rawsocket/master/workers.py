"""What the workers said: the latest report of each, totals, histograms. The gauge is a sum over live workers only.

Rules:

- Counts in a report are absolute since the run began, so the latest report of a worker replaces the one
  before it; a dead worker's last counts stay in the totals. Histograms are what is new since the report
  before: they are added up.
- Held is a gauge: absolute values, summed over workers that Locust counts as live and whose report is
  younger than `FRESH_S`. A worker that dies takes its share out of the gauge at once or within that time.
- Each worker numbers its runs. What belongs to a run before the current one is not counted (the gauge still
  is).
- The steady window is opened and closed from outside. A worker's shares and rates over it are differences
  between the report it had when the window opened and its last one inside, by that worker's own clock.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rawsocket.master.worker_lag import Health
from rawsocket.measurement import histogram
from rawsocket.measurement.latencies import Latencies, RowKey, Times
from rawsocket.worker.limits import Limits

Report = Mapping[str, Any]
FRESH_S = 3.0  # three report intervals; a worker silent for longer can't be said to hold anything


@dataclass
class Member:
    """One worker: its latest report, and what of it counts for the current run."""

    id: str
    limits: Limits | None = None
    latest: Report | None = None
    before: Report | None = None
    arrived: float = float("-inf")
    old_run: int = 0
    taking_part: bool = False
    counts: Report | None = None
    at_stop: Report | None = None
    window: list[Report] = field(default_factory=list)
    health: Health = field(default_factory=Health)
    waiting: Report | None = None
    final: bool = False
    lost: str = ""
    state: str = ""
    users: int = 0

    def begin(self) -> None:
        """Forget the run before."""
        self.old_run = self.latest["run"] if self.latest else 0
        self.counts = self.at_stop = self.before = self.waiting = None
        self.window = []
        self.health = Health()
        self.taking_part = self.final = False
        self.lost = ""

    def rate(self, *path: str) -> float | None:
        """Give what a count grew by per second between the last two reports."""
        if self.before is None or self.latest is None:
            return None
        return _growth(self.before, self.latest, path)

    def steady(self, *path: str) -> float | None:
        """Give what a count grew by per second of the worker's own clock over the steady window."""
        return _growth(self.window[0], self.window[-1], path) if len(self.window) > 1 else None


def _value(report: Report, path: Iterable[str]) -> float:
    value: Any = report
    for key in path:
        value = value[key]
    return float(value)


def _growth(first: Report, last: Report, path: tuple[str, ...]) -> float | None:
    seconds = last["wall_s"] - first["wall_s"]
    return (_value(last, path) - _value(first, path)) / seconds if seconds > 0 else None


class Fleet:
    """All workers of a master (or the one local process)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.members: dict[str, Member] = {}
        self.latencies = Latencies()
        self._open = self._was_open = False
        self._stopping = False

    def member(self, worker: str) -> Member:
        """Give the worker's entry, making one for a newcomer."""
        return self.members.setdefault(worker, Member(worker))

    @property
    def participants(self) -> list[Member]:
        """The workers that took part in the current run, lost ones included, in order of their names."""
        return sorted((m for m in self.members.values() if m.taking_part), key=lambda m: m.id)

    def begin(self, workers: Iterable[str]) -> None:
        """Begin a run with these workers: all counts from zero."""
        for member in self.members.values():
            member.begin()
        self.latencies.begin()
        self._open = self._was_open = self._stopping = False
        for worker in workers:
            self.member(worker).taking_part = True

    def take(self, worker: str, report: Report, at_stop: bool = False) -> None:
        """Take a report; `at_stop` marks the one that a worker sends when it is told to stop, before it does."""
        member = self.member(worker)
        member.arrived = self._clock()
        same = member.latest is not None and member.latest["run"] == report["run"]
        member.before = member.latest if same else None
        member.latest = report
        # Also of a worker that was told to stop before it had begun: it has nothing more to say.
        member.final = member.final or (report["final"] and self._stopping)
        if report["run"] > member.old_run:
            self._count(member, report, at_stop)

    def _count(self, member: Member, report: Report, at_stop: bool) -> None:
        member.taking_part = True
        member.counts = report
        member.health.take(report, self._open, at_stop)
        if at_stop or not self._stopping:
            member.at_stop = report
        if self._open and not at_stop:
            member.window.append(report)
            del member.window[1:-1]
        # Workers stop one after the other: what the first one's end has set free is answered to the next one's users.
        self.latencies.take(report["rows"], steady=self._open and not at_stop, late=self._stopping)
        if member.waiting is None and report["waiting"]["count"]:
            member.waiting = report["waiting"]
            self.latencies.wait(report["waiting"]["rows"], steady=self._open or self._was_open)

    def open_window(self) -> None:
        """Open the steady window; each worker's latest report is where its differences start from."""
        self._open = True
        self.latencies.open_window()
        for member in self.participants:
            member.window = [member.counts] if member.counts else []
            member.health.open_window()

    def close_window(self) -> None:
        """Close the steady window: what comes later isn't steady."""
        self._open = False

    def stopping(self) -> None:
        """Note that stop was asked for: what fails from here on is not held against the run."""
        self._was_open = self._open
        self.close_window()
        self._stopping = True

    def held(self, live: Collection[str]) -> int:
        """Give the gauge: connections open now at live workers with a fresh report."""
        return sum(self.held_by(worker) for worker in live)

    def held_by(self, worker: str) -> int:
        """Give what one worker holds, 0 where its report is stale."""
        member = self.members.get(worker)
        if member is None or member.latest is None or self._clock() - member.arrived >= FRESH_S:
            return 0
        return int(member.latest["held"])

    def age(self, worker: str) -> float:
        """Give the age of the worker's latest report in seconds."""
        return self._clock() - self.member(worker).arrived

    def fresh_latencies(self) -> Times:
        """Give (once) the times that came in since the last call, by kind."""
        return self.latencies.fresh()

    def counts(self) -> list[Report]:
        """Give the latest report of each worker of the run, dead ones included."""
        return [member.counts for member in self.members.values() if member.counts]

    def totals(self) -> dict[str, Any]:
        """Give {held, sessions, connections, messages, bytes, failures} summed over all workers, dead ones included."""
        totals: dict[str, Any] = empty_totals()
        for member in self.members.values():
            if member.counts:
                _merge(totals, member.counts)
        return totals

    def failures_until_stop(self) -> int:
        """Give the failures of all workers up to the moment when each was told to stop."""
        return sum(member.at_stop["failures"] for member in self.members.values() if member.at_stop)

    def waiting(self) -> dict[str, Any]:
        """Give {count, oldest_s, owed} of the messages that were due and had no reply when stop was asked.

        `owed` is {microseconds for which a reply was owed: messages that waited for it}.
        """
        found = [member.waiting for member in self.members.values() if member.waiting]
        owed: dict[int, int] = {}
        for waiting in found:
            histogram.add(owed, waiting["owed"])
        oldest = max((waiting["oldest_s"] for waiting in found), default=0.0)
        return {"count": sum(waiting["count"] for waiting in found), "oldest_s": oldest, "owed": owed}

    def examples(self) -> dict[str, str]:
        """Give, by the name of the failure, what was seen when a reply was wrong in that way."""
        return {name: seen for report in self.counts() for name, seen in report["examples"].items()}

    def rows(self) -> dict[RowKey, dict[str, Any]]:
        """Give {(type, name): {requests, failures{}, bytes, times{sent, due, first}}} of the run."""
        # Of a row whose messages were never sent, only those that wait for it are known.
        rows: dict[RowKey, dict[str, Any]] = {key: _empty_row() for key in self.latencies.run}
        for member in self.members.values():
            for kind, name, requests, failures, size, _ in (member.counts or {"rows": []})["rows"]:
                row = rows.setdefault((kind, name), _empty_row())
                row["requests"] += requests
                row["bytes"] += size
                for failure, count in failures.items():
                    row["failures"][failure] = row["failures"].get(failure, 0) + count
        for key, row in rows.items():
            row["times"] = self.latencies.run.get(key, {})
        return dict(sorted(rows.items()))

    def steady_sum(self, *path: str) -> float | None:
        """Give the sum over workers of a count's growth per second in the steady window; None where none has one."""
        rates = [rate for member in self.participants if (rate := member.steady(*path)) is not None]
        return sum(rates) if rates else None


def _empty_row() -> dict[str, Any]:
    return {"requests": 0, "failures": {}, "bytes": 0}


def empty_totals() -> dict[str, Any]:
    """Give the totals of a run in which nothing happened."""
    return {
        "held": 0,
        "sessions": {"begun": 0, "ended": 0},
        "connections": {
            **{"attempted": 0, "connected": 0, "failed": {}, "dropped": {}, "reconnects": 0, "closed": 0},
            **{"abandoned": 0, "unproven": 0},
        },
        "messages": {
            **dict.fromkeys(("due", "sent", "answered", "wrong", "late", "unanswered"), 0),
            **{"unsent": {}, "unanswered_by": {}, "cut": 0, "pushed": 0},
        },
        "bytes": {"sent": 0, "received": 0},
        "failures": 0,
    }


def _merge(totals: dict[str, Any], counts: Report) -> None:
    """Add `counts` to `totals` wherever totals has a place, or its place is a table of names."""
    for key, value in counts.items():
        if isinstance(value, Mapping) and isinstance(totals.get(key), dict):
            _merge_table(totals[key], value)
        elif key in ("failures", "held"):
            totals[key] += value


def _merge_table(into: dict[str, Any], table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if isinstance(value, Mapping):
            _merge_table(into.setdefault(key, {}), value)
        else:
            into[key] = into.get(key, 0) + value
