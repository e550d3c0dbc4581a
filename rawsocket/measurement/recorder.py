"""What became of every connection and message in this process, as plain counters.

Strategy: the hot path only appends a time to a list and adds to integers; `Row.bin_times` moves the times into
sparse histograms, many at a time (0.2 us a value; HdrHistogram's own `record_value` takes 2.7), and `report()`
turns those into a message for the master. No lock: everything runs in one thread, and no method here can yield.

Rules, which hold at every moment between two events:

- attempted == connected + sum(failed). An attempt is counted when it ends: as connected when the connection has
  settled (see engine/accounting.py), or as failed. One that is still in progress is not counted; one that was given up
  because its user was stopped counts only as `abandoned`.
- sent == answered + wrong + unanswered + oneway + messages in flight. `unanswered` messages will never get a reply:
  timeout, drop, or the client's own close; `unanswered_by` has the reasons. `oneway` messages need none: each counts
  when the kernel has taken all of it, and is in flight until then.
- `pushed` messages arrived unsolicited; they are in no other count of messages. `unread_pushes` of them were not kept
  for a receive(), since too many waited already.
- due == sent + sum(unsent). A message is due at its slot, or if nothing sets a pace, when it is sent.
- connected == sum(dropped) + closed + held. `held` counts open connections from when they have settled, so that one
  which a full server refuses never was held; it is a gauge and survives `begin_run()`.
- failures == the failures of all rows, except those of a scenario's own figures (custom_figures.py). A row's histograms
  hold the times of its successes only: a refusal in 50 us must not make connecting look fast.

Counts are absolute since `begin_run()`, which is to be called while nothing is open or in flight.
"""

import time
from collections.abc import Iterable, Iterator

from rawsocket.measurement.overdue import Waiting, Waits
from rawsocket.measurement.report import (
    ArrivalTimes,
    Bytes,
    Connections,
    Counts,
    Goodbyes,
    Messages,
    Overdue,
    Report,
    RowReport,
    RowTimes,
    Sessions,
    StormReport,
)
from rawsocket.measurement.scenario_errors import ScenarioErrors
from rawsocket.measurement.stats_rows import CONNECTION_ROWS, TYPE, Row, Rows

EXAMPLE = 200  # characters of an example: the reply and the expected one, 60 bytes of each, as Python literals


class Recorder:
    """The counters of one process; see the module's rules. Attributes are read and incremented directly."""

    __slots__ = (
        "__weakref__",
        "abandoned",
        "all_there",
        "answered",
        "arrivals",
        "attempted",
        "bytes_received",
        "bytes_sent",
        "closed",
        "connected",
        "cut",
        "dropped",
        "examples",
        "failed",
        "failures",
        "first_arrival",
        "goodbyes_begun",
        "goodbyes_said",
        "groups",
        "held",
        "last_arrival",
        "late",
        "not_judged",
        "oneway",
        "pushed",
        "reconnects",
        "rows",
        "run",
        "scenario_errors",
        "sent",
        "seq",
        "sessions_begun",
        "sessions_ended",
        "storms",
        "unanswered",
        "unanswered_by",
        "unproven",
        "unread_pushes",
        "unsent",
        "waits",
        "wrong",
    )

    def __init__(self) -> None:
        self.held = 0
        self.run = 0
        self.groups: list[dict[str, Row]] = []  # further rows, kept elsewhere; the master adds them up by name
        self.rows = Rows()
        self._reset()

    def _reset(self) -> None:
        self.seq = 0
        self.all_there: float | None = None  # when (wall clock) the ramp of the whole run was complete
        self.arrivals = 0  # first connects (not reconnects); below, when the first and the last of them opened
        self.first_arrival = self.last_arrival = 0.0
        self.sessions_begun = self.sessions_ended = 0
        self.goodbyes_begun = self.goodbyes_said = 0  # of users that were stopped
        self.storms: dict[int, list[float]] = {}  # by their time: dropped, came back, seconds until the last one
        self.attempted = self.connected = self.reconnects = self.closed = self.abandoned = self.unproven = 0
        self.failed: dict[str, int] = {}
        self.dropped: dict[str, int] = {}
        self.sent = self.answered = self.wrong = self.late = self.unanswered = self.cut = 0
        self.pushed = self.oneway = self.unread_pushes = 0
        self.unsent: dict[str, int] = {}
        self.unanswered_by: dict[str, int] = {}
        self.bytes_sent = self.bytes_received = 0
        self.failures = 0
        self.not_judged: set[str] = set()  # names of rows
        self.examples: dict[str, str] = {}  # by failure: the first wrong reply
        self.scenario_errors = ScenarioErrors()
        self.waits: Waits | None = None  # messages that were waiting when stop was asked
        for group in (self.rows, *self.groups):
            group.clear()

    def begin_run(self) -> None:
        """Reset everything except `held` and start the next run."""
        self.run += 1
        self._reset()

    def gather(self) -> None:
        """Move the gathered times into the histograms."""
        for group in (self.rows, *self.groups):
            for row in group.values():
                row.bin_times()

    def fail(self, row: Row, failure: str) -> None:
        """Add a failed event to a row; `failure` is one of errors.NAMES."""
        row.failures[failure] = row.failures.get(failure, 0) + 1
        self.failures += 1

    def attempt_failed(self, failure: str) -> None:
        """Count a connect attempt that ended without a usable connection."""
        self.attempted += 1
        count(self.failed, failure)

    def arrived(self, now: float) -> None:
        """Count a first connection (not a reconnect) that opened at `now` of the monotonic clock."""
        if not self.arrivals:
            self.first_arrival = now
        self.arrivals += 1
        self.last_arrival = now

    def settled(self, reconnect: bool) -> None:
        """Count a connection that has proved usable: that ends its attempt."""
        self.attempted += 1
        self.connected += 1
        if reconnect:
            self.reconnects += 1

    def drop(self, failure: str) -> None:
        """Count a settled connection that ended by that failure."""
        count(self.dropped, failure)

    def storm(self, moment: int, came_back_after: float | None = None) -> None:
        """Count a session that dropped its connection in a storm, or that is held again `came_back_after` seconds."""
        storm = self.storms.setdefault(moment, [0, 0, 0.0])
        if came_back_after is None:
            storm[0] += 1
        else:
            storm[1] += 1
            storm[2] = max(storm[2], came_back_after)

    def lose(self, reason: str, messages: int, cut: bool = False) -> None:
        """Count messages that will never be answered, by the reason; `cut`: one was not completely sent."""
        if messages:
            self.unanswered += messages
            count(self.unanswered_by, reason, messages)
            self.cut += cut

    def example(self, failure: str, detail: str) -> bool:
        """Keep the first example of each failure in a run; return False if there is one already."""
        if failure in self.examples:
            return False
        self.examples[failure] = detail[:EXAMPLE]
        return True

    def stop_asked(self, found: Iterable[Waiting | None]) -> None:
        """Note, once per run, the messages that still wait for a reply (see overdue.py)."""
        if self.waits is None:
            self.waits = Waits()
            self.waits.add(filter(None, found), self._busiest())

    def _busiest(self) -> str:
        """Return the row of requests with the most events."""
        every = (item for group in (self.rows, *self.groups) for item in group.items())
        rows = [item for item in every if item[0] not in CONNECTION_ROWS and item[1].type == TYPE]
        return max(rows, key=lambda item: item[1].requests, default=("message", None))[0]

    def report(self, final: bool = False) -> Report:
        """Return everything since `begin_run()`; the lists of times have only those since the last report."""
        self.seq += 1
        return Report(
            run=self.run,
            seq=self.seq,
            final=final,
            cpu_s=time.process_time(),
            wall_s=time.monotonic(),
            counts=self.counts(),
            examples=dict(self.examples),
            overdue=self.waits.report() if self.waits else Overdue(),
            arrivals=ArrivalTimes(self.arrivals, self.first_arrival, self.last_arrival),
            storms=[
                StormReport(moment, int(dropped), int(back), back_s)
                for moment, (dropped, back, back_s) in self.storms.items()
            ],
            rows=list(self._rows()),
            scenario_errors=self.scenario_errors.report(),
        )

    def counts(self) -> Counts:
        """Return the current counts."""
        return Counts(
            held=self.held,
            sessions=Sessions(self.sessions_begun, self.sessions_ended),
            connections=self._connections(),
            messages=self._messages(),
            bytes=Bytes(self.bytes_sent, self.bytes_received),
            failures=self.failures,
            goodbyes=Goodbyes(self.goodbyes_begun, self.goodbyes_said),
        )

    def _connections(self) -> Connections:
        return Connections(
            attempted=self.attempted,
            connected=self.connected,
            failed=dict(self.failed),
            dropped=dict(self.dropped),
            reconnects=self.reconnects,
            closed=self.closed,
            abandoned=self.abandoned,
            unproven=self.unproven,
        )

    def _messages(self) -> Messages:
        return Messages(
            due=self.sent + sum(self.unsent.values()),
            sent=self.sent,
            answered=self.answered,
            wrong=self.wrong,
            late=self.late,
            unanswered=self.unanswered,
            unsent=dict(self.unsent),
            unanswered_by=dict(self.unanswered_by),
            cut=self.cut,
            pushed=self.pushed,
            oneway=self.oneway,
            unread_pushes=self.unread_pushes,
        )

    def _rows(self) -> Iterator[RowReport]:
        for rows in (self.rows, *self.groups):
            for name, row in rows.items():
                times = row.take()
                judged = name not in self.not_judged
                counts = row.requests, dict(row.failures), row.bytes
                yield RowReport(row.type, name, *counts, RowTimes(**times), judged, row.again, row.again_bytes)


def count(counts: dict[str, int], name: str, by: int = 1) -> None:
    """Add to a table of counts by name."""
    counts[name] = counts.get(name, 0) + by


# The process's own: one worker process has one set of counters, whatever user classes it runs.
RECORDER = Recorder()
