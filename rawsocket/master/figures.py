"""From what was gathered (fleet, timeline, server) to the figures of the verdict, and to verdict.json's document."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rawsocket.errors import WRONG_REPLIES
from rawsocket.master import arrival_stats as comings
from rawsocket.master import server_counts as audit
from rawsocket.master import worker_lag as health
from rawsocket.master.timeline import Timeline
from rawsocket.master.workers import Fleet, Member
from rawsocket.measurement import histogram
from rawsocket.measurement.latencies import KINDS, Times, by_kind
from rawsocket.verdict import judge as verdict
from rawsocket.verdict import ledger
from rawsocket.verdict.saturation import Worker

SCHEMA = 1
# What verdict.json says by itself; the ledger has all counts, of each worker.
CONNECTIONS = ("attempted", "connected", "failed", "dropped", "reconnects", "abandoned")
MESSAGES = ("due", "sent", "answered", "wrong", "late", "unanswered", "unsent")
MICROSECOND = 1e-6


@dataclass
class Run:
    """What is said about a run beside its figures; times in seconds, sizes in bytes, ISO 8601 in UTC."""

    scenario: str = ""
    users: int = 0
    rate: float = 0.0
    time_s: float | None = None
    workers: int = 0
    target: str = ""
    every_s: float | None = None
    size_bytes: int | None = None
    framing: str = ""
    app: str = ""
    started_utc: str = ""
    ended_utc: str = ""
    steady_from_s: float | None = None
    steady_s: float = 0.0


@dataclass
class Evidence:
    """All that a verdict rests on."""

    run: Run
    fleet: Fleet
    timeline: Timeline
    thresholds: verdict.Thresholds = field(default_factory=verdict.Thresholds)
    server: Mapping[str, Any] | None = None
    interrupted: bool = False
    notes: tuple[str, ...] = ()
    audited: ledger.Server = field(default_factory=ledger.Server)
    wire: ledger.Wire = field(default_factory=ledger.Wire)


def thresholds(options: Any, min_held: int | None) -> verdict.Thresholds:
    """Give the thresholds from the lab's flags; 0 (for failures: -1) means not judged. `min_held` overrules it."""
    held = int(getattr(options, "min_held", 0) or 0) if min_held is None else min_held
    failures = int(getattr(options, "max_failures", 0))
    return verdict.Thresholds(
        min_held=held or None,
        max_failures=None if failures < 0 else failures,
        max_p99_ms=float(getattr(options, "max_p99_ms", 0)) or None,
        min_messages_s=float(getattr(options, "min_messages_s", 0)) or None,
    )


def figures(evidence: Evidence) -> verdict.Figures:
    """Give the figures that thresholds are held against; `p99_ms` is from due, what a caller would have felt."""
    totals = evidence.fleet.totals()
    steady, waiting = by_kind(evidence.fleet.latencies.steady), evidence.fleet.waiting()
    examples = evidence.fleet.examples()
    return verdict.Figures(
        attempted=totals["connections"]["attempted"],
        # Each bad reply costs its connection, and so does one that nobody asked for and that answers no message.
        wrong=max(totals["messages"]["wrong"], sum(totals["connections"]["dropped"].get(n, 0) for n in WRONG_REPLIES)),
        example=next((examples[name] for name in WRONG_REPLIES[::-1] if examples.get(name)), ""),
        failures=evidence.fleet.failures_until_stop(),
        waiting=waiting["count"],
        missing=_missing(evidence.fleet.latencies.slowest_us, waiting["owed"]),
        oldest_s=waiting["oldest_s"],
        silent=evidence.run.every_s == 0,
        steady_s=evidence.run.steady_s,
        held_min=evidence.timeline.lowest("held"),
        p99_ms=(histogram.summary(steady["from_due"]) or {}).get("p99"),
        messages_s=evidence.fleet.steady_sum("messages", "answered"),
        workers_wanted=evidence.run.workers,
        workers=tuple(_worker(member) for member in evidence.fleet.participants),
        interrupted=evidence.interrupted,
    )


def _missing(slowest_us: int, owed: Mapping[int, int]) -> int:
    """Give how many messages waited, at the stop, for a reply that was owed for too long: see verdict.py."""
    longest = max(verdict.MISSING_AFTER_S, slowest_us * MICROSECOND)
    return sum(messages for us, messages in owed.items() if us * MICROSECOND > longest)


def document(evidence: Evidence) -> dict[str, Any]:
    """Give verdict.json, schema 1."""
    measured = figures(evidence)
    totals, lost, workers = audit.clients(evidence.fleet)
    book = ledger.reconcile(totals, evidence.audited, lost, evidence.wire)
    judged = ledger.weigh(verdict.judge(measured, evidence.thresholds), book)
    return {
        "schema": SCHEMA,
        "verdict": judged.verdict,
        "exit_code": judged.exit_code,
        "reasons": [*judged.reasons, *evidence.notes],
        "run": asdict(evidence.run),
        "held": {
            "steady_min": measured.held_min,
            "peak": evidence.timeline.peak(),
            "server_steady_min": evidence.timeline.lowest("server_held"),
        },
        "connections": {
            **{name: totals["connections"][name] for name in CONNECTIONS},
            "arrivals_per_s": comings.achieved(evidence.fleet.counts()),
        },
        "messages": {
            **{name: totals["messages"][name] for name in MESSAGES},
            "per_s": measured.messages_s,
            "waiting": measured.waiting,
            "missing": measured.missing,
            "oldest_waiting_s": round(measured.oldest_s, 3),
        },
        "latency_ms": latencies(evidence),
        "generator": {"workers": [_worker_row(worker) for worker in measured.workers]},
        "server": evidence.server,
        "thresholds": [asdict(check) for check in judged.thresholds],
        "storms": comings.storms(evidence.fleet.counts()),
        "ledger": book.document(workers),
    }


def latencies(evidence: Evidence) -> dict[str, Any]:
    """Give a summary, or None, of each kind of time, in milliseconds."""
    times = latency_histograms(evidence)
    return {kind: histogram.summary(times[kind]) for kind in KINDS}


def latency_histograms(evidence: Evidence) -> Times:
    """Give connect times of the whole run (they happen in the ramp), the others of its steady window if it has one."""
    run, steady = evidence.fleet.latencies.run, evidence.fleet.latencies.steady
    return {**by_kind(steady if evidence.run.steady_s else run), "connect": by_kind(run)["connect"]}


def _worker(member: Member) -> Worker:
    held = int(member.at_stop["held"]) if member.at_stop else 0
    first, last = (member.window[0], member.window[-1]) if member.window else (None, None)
    measured = {**member.health.steady(), **health.rates(first, last)}
    return Worker(member.id, member.state, member.users, held, member.steady("cpu_s"), member.lost, **measured)


def _worker_row(worker: Worker) -> dict[str, Any]:
    return {**asdict(worker), "lost": bool(worker.lost)}
