"""Computes the figures of the verdict and verdict.json from the data of a run (reports, timeline, server)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rawsocket.errors import WRONG_REPLIES
from rawsocket.master.run import OverdueTotals, Participant, Run
from rawsocket.master.steady_window import lowest
from rawsocket.measurement import histogram
from rawsocket.measurement.arrival_stats import arrivals_per_s, storms
from rawsocket.measurement.latencies import KINDS, Histograms
from rawsocket.measurement.report import Counts, Report
from rawsocket.verdict.faults import GENERATOR_LIMIT
from rawsocket.verdict.judge import MISSING_AFTER_S, Figures, judge
from rawsocket.verdict.ledger import reconcile
from rawsocket.verdict.saturation import WorkerFigures

SCHEMA = 1
# The counts in verdict.json itself; the ledger has all counts of each worker.
CONNECTIONS = ("attempted", "connected", "failed", "dropped", "reconnects", "abandoned")
MESSAGES = ("due", "sent", "answered", "wrong", "late", "unanswered", "unsent")
MICROSECOND = 1e-6


def figures(run: Run, interrupted: bool = False) -> Figures:
    """Return the figures that thresholds are compared with; `p99_ms` is from due, what a caller would see."""
    totals, overdue = run.totals(), run.overdue()
    steady = run.steady_latencies.by_kind()
    return Figures(
        attempted=totals.connections.attempted,
        wrong=_wrong(totals),
        example=_example(run.examples()),
        failures=run.failures_until_stop(),
        waiting=overdue.count,
        missing=_missing(run.slowest_reply_us, overdue),
        oldest_s=overdue.oldest_s,
        silent=run.info.every_s == 0,
        steady_s=run.info.steady_s,
        held_min=run.held_floor()[0],
        p99_ms=(histogram.summary(steady["from_due"]) or {}).get("p99"),
        messages_s=run.window.rate(answered) if run.window else None,
        latency_ms=latencies(run),
        workers_wanted=run.info.workers,
        workers=tuple(_worker(run, own) for own in run.participants),
        interrupted=interrupted,
        sessions=totals.sessions.begun,
        limited=run.limited(),
        limit_example=run.examples().get(GENERATOR_LIMIT, ""),
        scenario_errors=tuple(run.scenario_errors()),
        run_faults=tuple(run.faults.reasons),
    )


def answered(report: Report) -> float:
    """Return the number of answered messages, for their rate."""
    return report.counts.messages.answered


def cpu_s(report: Report) -> float:
    """Return the CPU time that the worker used, for its share of a core."""
    return report.cpu_s


def document(run: Run, interrupted: bool = False) -> dict[str, Any]:
    """Return verdict.json, schema 1."""
    measured, totals = figures(run, interrupted), run.totals()
    ledger = reconcile(totals, run.server_counts.for_ledger(), _lost_workers(run), run.wire_format)
    judged = judge(measured, run.limits(), ledger)
    return {
        "schema": SCHEMA,
        "verdict": judged.verdict,
        "exit_code": judged.exit_code,
        "reasons": [*judged.reasons, *run.notes],
        "run": asdict(run.info),
        "held": {
            "steady_min": measured.held_min,
            "peak": run.timeline.peak(),
            "server_steady_min": lowest(run.steady_samples, "server_held"),
        },
        "connections": {
            **{name: getattr(totals.connections, name) for name in CONNECTIONS},
            "arrivals_per_s": arrivals_per_s(run.reports()),
        },
        "messages": {
            **{name: getattr(totals.messages, name) for name in MESSAGES},
            "per_s": measured.messages_s,
            "waiting": measured.waiting,
            "missing": measured.missing,
            "oldest_waiting_s": round(measured.oldest_s, 3),
        },
        "latency_ms": measured.latency_ms,
        "generator": {"workers": [{**asdict(worker), "lost": bool(worker.lost)} for worker in measured.workers]},
        "server": run.server_counts.grown,
        "thresholds": [asdict(check) for check in judged.thresholds],
        "storms": storms(run.reports()),
        "ledger": ledger.document([_counts(own) for own in run.participants]),
        "scenario_errors": [asdict(one) for one in measured.scenario_errors],
    }


def latencies(run: Run) -> dict[str, Mapping[str, float] | None]:
    """Return a summary, or None, of each kind of time, in milliseconds."""
    times = latency_histograms(run)
    return {kind: histogram.summary(times[kind]) for kind in KINDS}


def latency_histograms(run: Run) -> Histograms:
    """Return the connect times of the whole run (they are in the ramp) and the others of its steady window, if any."""
    whole = run.latencies.by_kind()
    return {**(run.steady_latencies.by_kind() if run.info.steady_s else whole), "connect": whole["connect"]}


def _wrong(totals: Counts) -> int:
    """Return the number of wrong replies: each ends its connection, and so does an unsolicited one."""
    dropped = totals.connections.dropped
    return max(totals.messages.wrong, sum(dropped.get(name, 0) for name in WRONG_REPLIES))


def _example(seen: Mapping[str, str]) -> str:
    return next((seen[name] for name in WRONG_REPLIES[::-1] if seen.get(name)), "")


def _missing(slowest_us: int, overdue: OverdueTotals) -> int:
    """Return how many messages waited, at the stop, for a reply that was outstanding for too long: see judge.py."""
    longest = max(MISSING_AFTER_S, slowest_us * MICROSECOND)
    return sum(messages for us, messages in overdue.owed.items() if us * MICROSECOND > longest)


def _worker(run: Run, own: Participant) -> WorkerFigures:
    held = own.report_at_stop.counts.held if own.report_at_stop else 0
    steady = run.steady(own.id)
    return WorkerFigures(own.id, own.state, own.users, held, steady.rate(cpu_s), own.lost, **steady.figures())


def _lost_workers(run: Run) -> list[str]:
    """Return, for each worker that was lost, what is unknown."""
    return [_lost(own) for own in run.participants if own.lost or not own.final]


def _lost(own: Participant) -> str:
    why = f"was lost ({own.lost})" if own.lost else "did not send its final numbers"
    if own.report is None:
        return f"worker {own.id} {why} and never reported: what it did is unknown"
    messages = own.report.counts.messages
    in_flight = messages.sent - messages.answered - messages.wrong - messages.unanswered
    return (
        f"worker {own.id} {why}: what became of the {own.report.counts.held} connections that it held and its "
        f"{in_flight} messages in flight at its last report, and what it did after that, is unknown"
    )


def _counts(own: Participant) -> dict[str, Any]:
    """Return a worker's own counts for the ledger; each is None if it never reported."""
    kept = ("held", "sessions", "connections", "messages", "bytes")
    counts = own.report.counts.to_wire() if own.report else {}
    return {"id": own.id, "lost": bool(own.lost), **{name: counts.get(name) for name in kept}}
