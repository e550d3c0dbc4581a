"""What became of every connection and message in this process, as plain counters.

Strategy: the hot path only adds to integers and to sparse histograms (a dict from microseconds,
truncated to three significant digits, to a count); whoever reports turns that into a message for
the master. No lock: everything runs in one thread, and no method here can yield.

Rules, which hold at every moment between two events:

- attempted == connected + sum(failed). An attempt is counted when it ends: as connected when the
  connection has settled (see client.py), or as failed. One that is still going on, or was given up
  because its user was stopped, is not counted.
- sent == answered + wrong + unanswered + what is in flight. `unanswered` are messages whose reply
  will never come: timeout, drop, or the client's own close.
- connected == sum(dropped) + closed + settled connections that are open now. `held` counts open
  connections from the TCP connect on, settled or not; it is a gauge and survives `begin_run()`.
- due == sent and late == 0, since a message is due when it is sent (there is no pacing by due time).
- failures == the failures of all rows. A row's histogram holds the times of its successes only:
  a refusal in 50 us must not make connecting look fast.

Counts are absolute since `begin_run()`, which is to be called while nothing is open or in flight.
"""

import time
from typing import Any

TYPE = "TCP"
CONNECT = "connect"
RECONNECT = "reconnect"
DROP = "drop"
# Rows that are not messages: verdicts on latency leave them out.
CONNECTION_ROWS = (CONNECT, RECONNECT, DROP)


def truncate(us: int) -> int:
    """Microseconds cut to three significant digits: 123456 becomes 123000; the error is below 1 %."""
    if us < 1000:
        return us
    step = 10
    while us >= step * 1000:
        step *= 10
    return us - us % step


class Row:
    """One line of the statistics: all events of one name."""

    __slots__ = ("bytes", "failures", "histogram", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.failures: dict[str, int] = {}
        self.bytes = 0
        self.histogram: dict[int, int] = {}

    def take(self) -> list[list[int]]:
        """The histogram's [us, count] pairs since the last call."""
        taken, self.histogram = self.histogram, {}
        return [[us, count] for us, count in taken.items()]


class Recorder:
    """The counters of one process; see the module's rules. Attributes are read and raised directly."""

    __slots__ = (
        "answered",
        "attempted",
        "bytes_received",
        "bytes_sent",
        "closed",
        "connected",
        "dropped",
        "failed",
        "failures",
        "held",
        "reconnects",
        "rows",
        "run",
        "sent",
        "seq",
        "unanswered",
        "wrong",
    )

    def __init__(self) -> None:
        self.held = 0
        self.run = 0
        self._reset()

    def _reset(self) -> None:
        self.seq = 0
        self.attempted = self.connected = self.reconnects = self.closed = 0
        self.failed: dict[str, int] = {}
        self.dropped: dict[str, int] = {}
        self.sent = self.answered = self.wrong = self.unanswered = 0
        self.bytes_sent = self.bytes_received = 0
        self.failures = 0
        self.rows: dict[str, Row] = {}

    def begin_run(self) -> None:
        """Forget everything but `held` and begin the next run."""
        self.run += 1
        self._reset()

    def event(self, name: str, seconds: float | None, length: int, failure: str | None) -> None:
        """Add one event to the row of that name; `length` is the reply's bytes, `failure` one of errors.NAMES."""
        row = self.rows.get(name)
        if row is None:
            row = self.rows[name] = Row()
        row.requests += 1
        row.bytes += length
        if failure is not None:
            row.failures[failure] = row.failures.get(failure, 0) + 1
            self.failures += 1
        elif seconds is not None:
            us = truncate(int(seconds * 1e6))
            histogram = row.histogram
            histogram[us] = histogram.get(us, 0) + 1

    def attempt_failed(self, failure: str) -> None:
        """An attempt to connect ended without a usable connection."""
        self.attempted += 1
        self.failed[failure] = self.failed.get(failure, 0) + 1

    def settled(self, reconnect: bool) -> None:
        """A connection has proved usable: that ends its attempt."""
        self.attempted += 1
        self.connected += 1
        if reconnect:
            self.reconnects += 1

    def drop(self, failure: str) -> None:
        """A settled connection was lost, or had to be given up, because of that failure."""
        self.dropped[failure] = self.dropped.get(failure, 0) + 1

    def report(self, final: bool = False) -> dict[str, Any]:
        """Everything since `begin_run()`, msgpack-able; the histograms hold only what is new since the last report.

        `cpu_s` and `wall_s` are seconds of this process's CPU clock and of its monotonic clock.
        """
        self.seq += 1
        return {
            "run": self.run,
            "seq": self.seq,
            "final": final,
            "held": self.held,
            "cpu_s": time.process_time(),
            "wall_s": time.monotonic(),
            "connections": self._connections(),
            "messages": self._messages(),
            "bytes": {"sent": self.bytes_sent, "received": self.bytes_received},
            "failures": self.failures,
            "rows": [
                [TYPE, name, row.requests, dict(row.failures), row.bytes, row.take()] for name, row in self.rows.items()
            ],
        }

    def _connections(self) -> dict[str, Any]:
        return {
            "attempted": self.attempted,
            "connected": self.connected,
            "failed": dict(self.failed),
            "dropped": dict(self.dropped),
            "reconnects": self.reconnects,
            "closed": self.closed,
        }

    def _messages(self) -> dict[str, int]:
        return {
            "due": self.sent,
            "sent": self.sent,
            "answered": self.answered,
            "wrong": self.wrong,
            "late": 0,
            "unanswered": self.unanswered,
        }


# The process's own: one worker process has one set of counters, whatever user classes it runs.
RECORDER = Recorder()
