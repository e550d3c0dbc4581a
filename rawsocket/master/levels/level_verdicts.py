"""Judges the levels of a run, and makes their part of verdict.json.

A level that has ended with all its counts is judged once; what it had measured is dropped then.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rawsocket.master.levels.record import Counted, LevelRecord
from rawsocket.master.levels.window_figures import (
    PERCENTILES,
    missing,
    pooled,
    replies_owed,
    row_in,
    threshold,
    worker_in,
)
from rawsocket.master.run import Run
from rawsocket.master.steady_window import WorkerWindow, lowest
from rawsocket.master.worker_lag import delivered
from rawsocket.measurement.latencies import Latencies
from rawsocket.measurement.overdue import OverdueTotals
from rawsocket.verdict.judge import EXIT_CODES, FAIL, UNKNOWN, Figures, Levels, Verdict, judge
from rawsocket.verdict.levels import outcome as outcomes
from rawsocket.verdict.levels.outcome import JudgedLevel

#: Thresholds that are judged for the whole run: what they count has no time.
OF_THE_RUN = ("max_silent_connections",)
#: Those that are known of a level that could not be held.
OF_THE_RAMP = ("min_held", "max_failures")
TOO_SHORT = "stopped before there was anything to judge"


def limits_of_the_run(run: Run) -> dict[str, float]:
    """Return the limits that are judged for the whole run; under a load shape the levels have the others."""
    limits = run.limits()
    return {name: limit for name, limit in limits.items() if name in OF_THE_RUN} if run.levels else limits


def outcome(run: Run) -> Levels | None:
    """Return what the levels that have begun say about the run, None without a load shape."""
    shape = run.levels.shape
    if shape is None:
        return None
    judged_levels = [judged(run, record)[0] for record in run.levels.records]
    return outcomes.outcome(judged_levels, run.levels.planned, shape.ends_with_failure)


def documents(run: Run) -> dict[str, Any]:
    """Return the fields `shape` and `levels` of verdict.json; none without a load shape."""
    shape, found = run.levels.shape, outcome(run)
    if shape is None or found is None:
        return {}
    about = {"name": shape.name, "text": shape.text, "levels": run.levels.planned, "line": found.line}
    return {"shape": about, "levels": [judged(run, record)[1] for record in run.levels.records]}


def judged(run: Run, record: LevelRecord) -> tuple[JudgedLevel, Mapping[str, Any]]:
    """Return a level as it is judged, and as verdict.json has it."""
    if record.kept:
        return record.kept
    measured = figures(run, record)
    ended = record.ended_at is not None
    found = JudgedLevel(
        record.number,
        record.level.users,
        record.level.where,
        _verdict(run, record, measured),
        whole=ended and not record.cut,
    )
    kept = found, _document(run, record, measured, found if ended else None)
    if record.after is not None:
        record.kept = kept
        record.connects = Latencies()
        record.window = None
    return kept


def figures(run: Run, record: LevelRecord) -> Figures:
    """Return what was measured while a level was held, and the failures on the way to it."""
    window, steady = record.window, record.window.latencies if record.window else Latencies()
    last = record.after is None and run.stopping_at is not None
    overdue, totals = run.overdue() if last else OverdueTotals(), run.totals()
    counted_ = (record.after or counted(run)).since(record.before)
    percentiles: dict[str, Any] = {
        figure: pooled(steady, run.thresholds, name, q) for figure, (name, q) in PERCENTILES.items()
    }
    return Figures(
        attempted=totals.connections.attempted,
        failures=counted_.failures,
        events=counted_.events,
        waiting=overdue.count,
        missing=missing(run, overdue),
        oldest_s=overdue.oldest_s,
        silent=not totals.messages.due,
        replyless=not replies_owed(totals.messages, run.overdue()),
        steady_s=_steady_s(record),
        held_min=lowest(window.samples, "held") if window else record.held_at_most,
        **percentiles,
        messages_s=window.rate(delivered) if window else None,
        rows={
            name: row_in(name, record.connects, steady, window, events, failures)
            for name, (events, failures) in counted_.rows.items()
        },
        workers=tuple(
            replace(worker_in(own, (window and window.workers.get(own.id)) or WorkerWindow()), lost="")
            for own in run.participants
            if window and own.id in window.workers and not own.lost
        ),
        max_lag_ms=run.info.max_lag_ms,
    )


def counted(run: Run) -> Counted:
    """Return what the run has counted so far, or until stop was asked."""
    rows = {name: (row.requests, sum(row.failures.values())) for name, row in run.rows_until_stop().items()}
    return Counted(run.failures_until_stop(), run.events_until_stop(), rows)


def limits(run: Run, record: LevelRecord) -> dict[str, float]:
    """Return the limits of one level; it is to hold the connections of its own users, or MIN_HELD if that is less."""
    found = {name: limit for name, limit in run.thresholds.items() if name not in OF_THE_RUN}
    if "min_held" in found:
        found["min_held"] = min(found["min_held"], record.level.users * run.per_user)
    return found


def _verdict(run: Run, record: LevelRecord, measured: Figures) -> Verdict:
    if record.not_held:
        known = {name: limit for name, limit in limits(run, record).items() if name.startswith(OF_THE_RAMP)}
        return Verdict(FAIL, EXIT_CODES[FAIL], (record.not_held,), judge(measured, known).thresholds)
    if record.window is None or not record.window.opened:
        return Verdict(UNKNOWN, EXIT_CODES[UNKNOWN], (TOO_SHORT,), ())
    return judge(measured, limits(run, record))


def _steady_s(record: LevelRecord) -> float:
    window = record.window
    if window is None or not window.opened:
        return 0.0
    return round(window.seconds if window.closed_at is not None else max(0.0, time.monotonic() - window.opens_at), 3)


def _document(run: Run, record: LevelRecord, measured: Figures, found: JudgedLevel | None) -> dict[str, Any]:
    """Return a level as verdict.json has it; `found` None: it has not ended, and so has no verdict."""
    passed = found is not None and found.verdict.verdict == "pass"
    window = record.window if record.window and record.window.opened else None
    return {
        "number": record.number,
        "users": record.level.users,
        "when": record.level.when,
        "begun_s": _since(run, record.begun_at),
        "held_s": _since(run, record.held_at),
        "steady_from_s": _since(run, window.opens_at) if window else None,
        "to_s": _since(run, record.ended_at),
        "steady_s": measured.steady_s,
        "held_min": measured.held_min,
        "p50_ms": measured.p50_ms,
        "p95_ms": measured.p95_ms,
        "p99_ms": measured.p99_ms,
        "messages_s": measured.messages_s,
        "failures": measured.failures,
        "server_cpu_share": None if record.server_cpu_share is None else round(record.server_cpu_share, 3),
        "verdict": found.verdict.verdict if found else None,
        "stopped": record.cut,
        "reason": "" if found is None or passed else found.why,
        "thresholds": [threshold(check) for check in found.verdict.thresholds] if found else [],
    }


def _since(run: Run, at: float | None) -> float | None:
    return None if at is None or run.started_at is None else round(at - run.started_at, 3)
