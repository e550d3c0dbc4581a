"""From what was gathered (fleet, timeline, server) to the figures of the verdict, and to verdict.json's document."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rawsocket import verdict
from rawsocket.errors import WRONG_REPLIES
from rawsocket.master import histogram
from rawsocket.master.fleet import CONNECTS, NOT_REQUESTS, Fleet, Member
from rawsocket.master.timeline import Timeline

SCHEMA = 1


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


def judge(evidence: Evidence) -> verdict.Verdict:
    """Judge the run."""
    return verdict.judge(figures(evidence), evidence.thresholds)


def figures(evidence: Evidence) -> verdict.Figures:
    """Give the figures that thresholds are held against."""
    totals = evidence.fleet.totals()
    requests = _requests(evidence.fleet.steady)
    return verdict.Figures(
        attempted=totals["connections"]["attempted"],
        # Each bad reply costs its connection, and so does one that nobody asked for and that answers no message.
        wrong=max(totals["messages"]["wrong"], sum(totals["connections"]["dropped"].get(n, 0) for n in WRONG_REPLIES)),
        failures=evidence.fleet.failures_until_stop(),
        silent=evidence.run.every_s == 0,
        steady_s=evidence.run.steady_s,
        held_min=evidence.timeline.lowest("held"),
        p99_ms=histogram.quantile(requests, 0.99),
        messages_s=evidence.fleet.steady_sum("messages", "answered"),
        workers_wanted=evidence.run.workers,
        workers=tuple(_worker(member) for member in evidence.fleet.participants),
        interrupted=evidence.interrupted,
    )


def document(evidence: Evidence) -> dict[str, Any]:
    """Give verdict.json, schema 1."""
    measured = figures(evidence)
    judged = verdict.judge(measured, evidence.thresholds)
    totals = evidence.fleet.totals()
    connections = {k: v for k, v in totals["connections"].items() if k != "closed"}
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
        "connections": connections,
        "messages": {**totals["messages"], "per_s": measured.messages_s},
        "latency_ms": latencies(evidence),
        "generator": {"workers": [_worker_row(worker) for worker in measured.workers]},
        "server": evidence.server,
        "thresholds": [asdict(check) for check in judged.thresholds],
        "ledger": None,
    }


def latencies(evidence: Evidence) -> dict[str, Any]:
    """Give connect times (of the whole run: they happen in the ramp) and request times (of the steady window)."""
    fleet = evidence.fleet
    connects = histogram.merged(h for (_, name), h in fleet.histograms.items() if name in CONNECTS)
    requests = _requests(fleet.steady if evidence.run.steady_s else fleet.histograms)
    return {"connect": histogram.summary(connects), "from_sent": histogram.summary(requests), "from_due": None}


def _requests(histograms: Mapping[tuple[str, str], Mapping[int, int]]) -> dict[int, int]:
    return histogram.merged(h for (_, name), h in histograms.items() if name not in NOT_REQUESTS)


def _worker(member: Member) -> verdict.Worker:
    held = int(member.at_stop["held"]) if member.at_stop else 0
    return verdict.Worker(member.id, member.state, member.users, held, member.steady("cpu_s"), member.lost)


def _worker_row(worker: verdict.Worker) -> dict[str, Any]:
    return {**asdict(worker), "lost": bool(worker.lost)}
