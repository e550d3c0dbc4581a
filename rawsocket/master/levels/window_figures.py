"""Computes what was measured in a steady window (that of the run, or of a level) and what is judged of it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rawsocket.master.run import Participant, Run
from rawsocket.master.steady_window import SteadyWindow, WorkerWindow
from rawsocket.master.worker_lag import cpu_s
from rawsocket.measurement import histogram
from rawsocket.measurement.latencies import Latencies
from rawsocket.measurement.overdue import OverdueTotals
from rawsocket.measurement.report import Messages, Report
from rawsocket.measurement.stats_rows import CONNECTS
from rawsocket.settings.thresholds import named
from rawsocket.verdict import threshold_words
from rawsocket.verdict.judge import MISSING_AFTER_S, Check, RowFigures
from rawsocket.verdict.saturation import WorkerFigures

MICROSECOND = 1e-6
# The percentiles that can have a limit: the figure, its threshold, the quantile.
PERCENTILES = {f"{name}_ms": (f"max_{name}_ms", histogram.QUANTILES[name]) for name in ("p50", "p95", "p99", "p99_9")}


def pooled(steady: Latencies, thresholds: Mapping[str, float], threshold: str, q: float) -> float | None:
    """Return the quantile of the rows that have no limit of their own for this threshold."""
    limited = [meant.row for name in thresholds if (meant := named(name)).threshold.name == threshold]
    return histogram.quantile(steady.by_kind(limited)["from_due"], q)


def row_in(
    name: str, connects: Latencies, steady: Latencies, window: SteadyWindow | None, events: int, failures: int
) -> RowFigures:
    """Return the figures of one row; connects are in the ramp, so their times are not those of the window."""
    due = (connects if name in CONNECTS else steady).due_of(name)
    return RowFigures(
        **{figure: histogram.quantile(due, q) for figure, (_, q) in PERCENTILES.items()},
        sent_p99_ms=None if name in CONNECTS else histogram.quantile(steady.sent_of(name), 0.99),
        messages_s=window.rate(lambda report: _successes(report, name)) if window else None,
        failures=failures,
        events=events,
        judged=name not in steady.unjudged,
    )


def _successes(report: Report, name: str) -> float:
    return sum(row.requests - sum(row.failures.values()) for row in report.rows if row.name == name)


def worker_in(own: Participant, steady: WorkerWindow) -> WorkerFigures:
    """Return the figures of one worker in a steady window."""
    held = own.report_at_stop.counts.held if own.report_at_stop else 0
    share = steady.rate(cpu_s)
    return WorkerFigures(own.id, own.state, own.users, held, share, own.lost, **steady.figures(), name=own.name)


def replies_owed(messages: Messages, overdue: OverdueTotals) -> int:
    """Return the messages that needed a reply, except those whose user was stopped before it came."""
    unanswered = messages.unanswered - messages.unanswered_by.get("client", 0)
    unsent = sum(messages.unsent.values()) - messages.unsent.get("stopped", 0)
    return messages.answered + messages.wrong + unanswered + unsent + overdue.count


def missing(run: Run, overdue: OverdueTotals) -> int:
    """Return how many messages waited, at the stop, for a reply that was outstanding for too long: see judge.py."""
    longest = max(MISSING_AFTER_S, run.slowest_reply_us * MICROSECOND)
    return sum(messages for us, messages in overdue.owed.items() if us * MICROSECOND > longest)


def threshold(check: Check) -> dict[str, Any]:
    """Return a threshold as verdict.json has it; `where` only if it is that of a level."""
    said = threshold_words.text(check.name, check.limit, check.actual)
    words = {"title": threshold_words.title(check.name), "unit": threshold_words.unit(check.name)}
    found = {**asdict(check), **words, "text": f"{check.where}: {said}" if check.where else said}
    return found if check.where else {name: value for name, value in found.items() if name != "where"}
