"""Computes the figures of the verdict and verdict.json from the data of a run (reports, timeline, server)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from statistics import fmean
from typing import Any

from rawsocket.errors import WRONG_REPLIES
from rawsocket.master.levels import level_verdicts as levels
from rawsocket.master.levels.window_figures import (
    PERCENTILES,
    missing,
    pooled,
    replies_owed,
    row_in,
    threshold,
    worker_in,
)
from rawsocket.master.run import Participant, RowTotals, Run
from rawsocket.master.steady_window import lowest
from rawsocket.master.worker_lag import cpu_s, delivered
from rawsocket.measurement import histogram
from rawsocket.measurement.arrival_stats import arrivals_per_s, storms
from rawsocket.measurement.latencies import KINDS, Histograms, Latencies, kind_of
from rawsocket.measurement.report import Counts
from rawsocket.measurement.stats_rows import TYPE
from rawsocket.settings.thresholds import named
from rawsocket.verdict import saturation
from rawsocket.verdict.causes import cause as causes
from rawsocket.verdict.judge import Check, Figures, RowFigures, Verdict, judge, wrong_replies
from rawsocket.verdict.ledger import Ledger, reconcile
from rawsocket.verdict.observed import Facts, storm_events
from rawsocket.verdict.run_errors import GENERATOR_LIMIT
from rawsocket.verdict.saturation import Loop, WorkerFigures, loop_limit

SCHEMA = 1
# The counts in verdict.json itself; the ledger has all counts of each worker.
CONNECTIONS = ("attempted", "connected", "failed", "dropped", "reconnects", "abandoned")
MESSAGES = ("due", "sent", "answered", "oneway", "wrong", "late", "unanswered", "unsent", "pushed", "unread_pushes")
RATE_S = 10  # seconds of the window from which on a rate is compared with its limit while the run goes on


def figures(run: Run, interrupted: bool = False) -> Figures:
    """Return the figures that thresholds are compared with; `p99_ms` is from due, what a caller would see."""
    totals, overdue = run.totals(), run.overdue()
    until_stop = run.rows_until_stop()
    return Figures(
        attempted=totals.connections.attempted,
        wrong=_wrong(totals),
        example=_example(run.examples()),
        failures=run.failures_until_stop(),
        events=run.events_until_stop(),
        waiting=overdue.count,
        missing=missing(run, overdue),
        oldest_s=overdue.oldest_s,
        silent=not totals.messages.due,
        replyless=not replies_owed(totals.messages, overdue),
        silent_connections=totals.connections.unproven,
        steady_s=run.info.steady_s,
        held_min=run.held_floor()[0],
        **{figure: pooled(run.steady_latencies, run.thresholds, name, q) for figure, (name, q) in PERCENTILES.items()},
        messages_s=run.window.rate(delivered) if run.window else None,
        rows={name: _row(run, name, until_stop.get(name) or RowTotals()) for _, name in run.rows()},
        latency_ms=latencies(run),
        workers_wanted=run.info.workers,
        workers=tuple(worker(run, own) for own in run.participants),
        loop=_loop(run),
        interrupted=interrupted,
        sessions=totals.sessions.begun,
        limited=run.limited(),
        max_lag_ms=run.info.max_lag_ms,
        limit_example=run.examples().get(GENERATOR_LIMIT, ""),
        scenario_errors=tuple(run.scenario_errors()),
        run_errors=tuple(run.errors.reasons),
        wanted=run.info.users * run.per_user,
        levels=levels.outcome(run),
        remarks=_remarks(run),
    )


def _remarks(run: Run) -> tuple[str, ...]:
    silence = run.observed.feed
    return (silence.afterwards(_at_stop_s(run)),) if silence else ()


def _at_stop_s(run: Run) -> float:
    """Return when stop was asked, in seconds of the run; 0 if it was not."""
    return (run.stopping_at or 0.0) - (run.started_at or 0.0) if run.stopping_at else 0.0


def _row(run: Run, name: str, totals: RowTotals) -> RowFigures:
    failures = sum(totals.failures.values())
    return row_in(name, run.latencies, run.steady_latencies, run.window, totals.requests, failures)


def document(run: Run, interrupted: bool = False) -> dict[str, Any]:
    """Return verdict.json, schema 1."""
    measured, totals = figures(run, interrupted), run.totals()
    server = run.server_counts.for_ledger()
    ledger = reconcile(totals, server, _lost_workers(run), run.wire_format, run.drill.extra)
    judged = judge(measured, levels.limits_of_the_run(run), ledger)
    cause = causes.cause(judged.verdict, _facts(run, measured, judged, ledger))
    found = {
        "schema": SCHEMA,
        "verdict": judged.verdict,
        "exit_code": judged.exit_code,
        "cause": None if cause is None else asdict(cause),
        "reasons": [*judged.reasons, *run.notes],
        "run": asdict(run.info),
        "held": {
            "wanted": run.info.users * run.per_user,
            "steady_min": measured.held_min,
            "peak": run.timeline.peak(),
            "server_steady_min": lowest(run.steady_samples, "server_held"),
        },
        "failures": measured.failures,
        "connections": {
            **{name: getattr(totals.connections, name) for name in CONNECTIONS},
            "silent": measured.silent_connections,
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
        "generator": {
            "workers": [{**asdict(worker), "lost": bool(worker.lost)} for worker in measured.workers],
            "limit": loop_limit(measured.loop) or None,
        },
        "server": run.server_counts.document,
        "thresholds": [threshold(check) for check in judged.thresholds],
        **levels.documents(run),
        "failure_kinds": dict(run.failure_kinds()),
        "events": events(run),
        "silences": run.observed.silences,
        "storms": storms(run.reports()),
        "goodbyes": asdict(totals.goodbyes),
        "ledger": ledger.document([_counts(own) for own in run.participants]),
        "scenario_errors": [asdict(one) for one in measured.scenario_errors],
    }
    lost = [own.name for own in run.participants if own.lost or not own.final]
    return run.drill.applied(found, lost, [*wrong_replies(measured), *ledger.failures], late_in_drill(run))


def late_in_drill(run: Run) -> list[str]:
    """Return, for each worker that was saturated between the fault of a drill and the recovery, why."""
    seen = run.drill_window.workers if run.drill_window else {}
    late = [worker_in(own, seen[own.id]) for own in run.participants if own.id in seen]
    return saturation.doubts((one for one in late if one.cpu_share is not None), run.info.max_lag_ms)


def events(run: Run) -> list[dict[str, Any]]:
    """Return what happened in the run, as verdict.json has it."""
    return run.observed.all_events(storm_events(run.reports(), run.started_wall_s))


def checks_so_far(run: Run, percentiles: bool) -> list[Check]:
    """Return the thresholds as if the run ended now: those of `percentiles`, which take milliseconds, or the others.

    A rate is left out until the window is RATE_S long. Under a load shape they are those of its levels.
    """
    if run.levels:
        found_so_far = levels.outcome(run)
        return [one for one in found_so_far.checks if _is_percentile(one.name) is percentiles] if found_so_far else []
    limits = {name: limit for name, limit in run.limits().items() if _is_percentile(name) is percentiles}
    if len(run.steady_samples) < RATE_S:
        limits = {name: limit for name, limit in limits.items() if not name.startswith("min_messages_s")}
    found_percentiles: dict[str, Any] = {
        figure: pooled(run.steady_latencies, run.thresholds, name, q)
        for figure, (name, q) in PERCENTILES.items()
        if name in limits
    }
    until_stop, meant = run.rows_until_stop(), [named(name) for name in limits]
    found = Figures(
        failures=run.failures_until_stop(),
        events=run.events_until_stop(),
        held_min=run.held_floor()[0],
        **found_percentiles,
        messages_s=run.window.rate(delivered) if run.window else None,
        rows={one.row: _row(run, one.row, until_stop.get(one.row) or RowTotals()) for one in meant if one.row},
    )
    return list(judge(found, limits).thresholds)


def p99_so_far(run: Run, checks: Iterable[Check]) -> float | None:
    """Return the p99 from due as if the run ended now: that of its threshold, if `checks` have it."""
    name, q = PERCENTILES["p99_ms"]
    judged = [check.actual for check in checks if check.name == name and not check.where]
    return judged[0] if judged else pooled(run.steady_latencies, run.thresholds, name, q)


def _is_percentile(name: str) -> bool:
    return named(name).threshold.name in [threshold for threshold, _ in PERCENTILES.values()]


def _facts(run: Run, measured: Figures, judged: Verdict, ledger: Ledger) -> Facts:
    """Return all that is known, for the cause."""
    at_stop = [own.report_at_stop for own in run.participants if own.report_at_stop and not own.lost]
    return Facts(
        measured,
        run.totals(),
        checks=judged.thresholds,
        ledger=ledger.doubts,
        unexplained=ledger.failures,
        server=run.server_counts.grown or {},
        observed=run.observed,
        examples=run.examples(),
        target=run.info.target,
        model=run.server_counts.model,
        wanted=run.info.users * run.per_user,
        users=run.info.users,
        every_s=run.info.every_s,
        time_s=run.info.time_s,
        peak=run.timeline.peak(),
        held_at_stop=sum(report.counts.held for report in at_stop),
        at_stop_s=_at_stop_s(run),
        notes=run.notes,
        lab=run.lab_facts,
    )


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


def worker(run: Run, own: Participant) -> WorkerFigures:
    """Return the figures of one worker in the steady window."""
    return worker_in(own, run.steady(own.id))


def _lost_workers(run: Run) -> list[str]:
    """Return, for each worker that was lost, what is unknown."""
    return [_lost(own) for own in run.participants if own.lost or not own.final]


def _lost(own: Participant) -> str:
    why = f"was lost ({own.lost})" if own.lost else "did not send its final numbers"
    if own.report is None:
        return f"{own.name} {why} and never reported: what it did is unknown"
    messages = own.report.counts.messages
    in_flight = messages.sent - messages.delivered - messages.wrong - messages.unanswered
    return (
        f"{own.name} {why}: what became of the {own.report.counts.held} connections that it held and its "
        f"{in_flight} messages in flight at its last report, and what it did after that, is unknown"
    )


def _counts(own: Participant) -> dict[str, Any]:
    """Return a worker's own counts for the ledger; each is None if it never reported."""
    kept = ("held", "sessions", "connections", "messages", "bytes", "goodbyes")
    counts = own.report.counts.to_wire() if own.report else {}
    return {"id": own.id, "lost": bool(own.lost), **{name: counts.get(name) for name in kept}}


def _loop(run: Run) -> Loop:
    """Return what is known of a closed loop; loop_limit() says what follows from it."""
    workers = run.participants
    return Loop(
        closed=_closed(run.steady_latencies),
        occupancy=_occupancy(run),
        worker_share=_mean(run.steady(own.id).rate(cpu_s) for own in workers),
        server_share=_server_share(run),
        ready=_mean(_ready(run, own) for own in workers),
    )


def _closed(times: Latencies) -> bool:
    """Return whether each message was sent when due; messages that still waited at the end have a time from due only.

    A message with a pace is sent a little after its slot, so that its two times differ.
    """
    rows = [row for (kind, name), row in times.rows.items() if kind == TYPE and kind_of(name, "sent") == "from_sent"]
    return any(row["sent"] for row in rows) and all(
        row["due"].get(us, 0) >= count for row in rows for us, count in row["sent"].items()
    )


def _occupancy(run: Run) -> float | None:
    held = _mean(sample.held for sample in run.steady_samples)
    if not held or not run.info.steady_s:
        return None
    waited_us = sum(us * count for us, count in run.steady_latencies.by_kind()["from_sent"].items())
    return waited_us / 1e6 / (held * run.info.steady_s)


def _server_share(run: Run) -> float | None:
    """Return the share of a core of a process of the server, from its CPU time for a message in the whole run."""
    grown, per_s = run.server_counts.grown or {}, run.window.rate(delivered) if run.window else None
    seconds, messages = grown.get("cpu_seconds"), grown.get("messages_total")
    if seconds is None or not messages or per_s is None:
        return None
    return float(seconds / messages * per_s / (grown.get("processes") or 1))


def _ready(run: Run, own: Participant) -> float | None:
    """Return the share of a worker's connections with a reply in each turn of its hub; None with less than two."""
    steady = run.steady(own.id)
    per_s, turns_s = steady.rate(delivered), steady.figures()["turns_s"]
    held = own.report_at_stop.counts.held if own.report_at_stop else 0
    return per_s / turns_s / held if per_s is not None and turns_s and held > 1 else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
