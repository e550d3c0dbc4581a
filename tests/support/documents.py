"""Documents of a run as its files have them, for tests of the report: a run that passed, and changes to it."""

import copy
from typing import Any

TIMES = {"p50": 0.59, "p95": 1.02, "p99": 6.115, "p99_9": 8.0, "max": 9.5}
WORKER: dict[str, Any] = {
    "id": "vm_5237",
    "state": "running",
    "users": 25,
    "held": 25,
    "cpu_share": 0.018,
    "lost": False,
    "lag_p99_ms": 3.953,
    "lag_max_ms": 6.7,
    "turns_s": 138.9,
    "stolen_share": 0.001,
    "throttled_share": None,
    "late_cpu_share": None,
    "cpu_limit": None,
    "cpus": 2,
}
PASSED: dict[str, Any] = {
    "schema": 1,
    "verdict": "pass",
    "exit_code": 0,
    "reasons": ["50 of 50 connections held for 9.9 s, no failures, p99 latency 6.12 ms"],
    "run": {
        "scenario": "hold",
        "users": 50,
        "rate": 50.0,
        "time_s": 12.0,
        "workers": 2,
        "target": "tcp://127.0.0.1:44563",
        "every_s": 10.0,
        "size_bytes": 20,
        "framing": "line",
        "app": "echo",
        "started_utc": "2026-11-27T23:09:45Z",
        "ended_utc": "2026-11-27T23:09:58Z",
        "shape": "",
        "steady_from_s": 2.1,
        "steady_s": 9.9,
    },
    "held": {"steady_min": 50, "peak": 50, "server_steady_min": 50},
    "connections": {
        "attempted": 50,
        "connected": 50,
        "failed": {},
        "dropped": {},
        "reconnects": 0,
        "abandoned": 0,
        "silent": 0,
        "arrivals_per_s": 50.0,
    },
    "messages": {
        "due": 57,
        "sent": 57,
        "answered": 57,
        "oneway": 0,
        "wrong": 0,
        "late": 0,
        "unanswered": 0,
        "unsent": {},
        "pushed": 0,
        "unread_pushes": 0,
        "per_s": 4.9855,
        "waiting": 0,
        "missing": 0,
        "oldest_waiting_s": 0.0,
    },
    "latency_ms": {"connect": TIMES, "from_sent": TIMES, "from_due": TIMES, "first_byte": None},
    "generator": {"workers": [WORKER, {**WORKER, "id": "vm_a686"}], "limit": None},
    "server": {
        "info": {"model": "select", "app": "echo"},
        "max_connections": 1000,
        "accepted_total": 50,
        "closed_total": {"client": 50, "reset": 0},
        "cpu_seconds": 0.28,
    },
    "thresholds": [
        {"name": "max_failures", "limit": 0, "actual": 0, "ok": True},
        {"name": "max_p99_ms", "limit": 1000, "actual": 6.115, "ok": True},
    ],
    "storms": [],
    "goodbyes": {"begun": 0, "said": 0},
    "ledger": {
        "reconciled": True,
        "rows": [
            {
                "what": "messages",
                "clients": 57,
                "server": 57,
                "difference": 0,
                "explained": {},
                "unexplained": 0,
                "status": "ok",
            }
        ],
        "events": [],
        "unknown": [],
        "workers": [],
    },
    "scenario_errors": [],
}


# The server of a run in the place of the lab's own.
USED = {
    "source": "engine",
    "name": "SERVER_IMAGE=redis:7",
    "cpu_seconds": 12.345,
    "cpu_share_mean": 0.25,
    "cpu_share_max": 1.5,
    "memory_bytes": 9_000_000,
    "memory_max_bytes": 12_340_000,
    "memory_limit_bytes": 1_000_000_000,
    "restarts": 0,
}

# What a drill did.
DRILL: dict[str, Any] = {
    "name": "server-stop",
    "text": "a fault",
    "outcome": "recovered",
    "findings": [],
    "predicted": [
        {"figure": "lost", "least": 8, "most": 8, "why": "it held them", "actual": 8, "ok": True},
        {"figure": "recover_s", "least": None, "most": 4, "why": "", "actual": None, "ok": False},
    ],
    "measured": {"lost": 8, "recover_s": None, "dropped.reset": 8, "own.cap_share": 1.25, "held_min": 0},
    "unknown": {"predicted": 1, "measured": ["worker 2"]},
    "injected_s": 9.04,
    "healed_s": 11.0,
}


def passed(**changes: Any) -> dict[str, Any]:
    """A verdict document of a run that passed; a change replaces a part."""
    return {**copy.deepcopy(PASSED), **changes}


def failed(**changes: Any) -> dict[str, Any]:
    """A run that failed because its server was full."""
    text = "The server holds 20 connections (its cap) and refused 30 connects"
    cause = {"name": "server-full", "text": text, "remedy": "Set MAX_CONNECTIONS or MODEL=epoll"}
    checks = [{"name": "max_failures", "limit": 0, "actual": 30, "ok": False}, *PASSED["thresholds"][1:]]
    held = {"steady_min": 20, "peak": 20, "server_steady_min": 20}
    reasons = ["max_failures: 30, at most 0 was demanded"]
    document = passed(verdict="fail", exit_code=3, reasons=reasons, cause=cause, thresholds=checks, held=held)
    return {**document, **changes}


def timeline(seconds: int = 12, **columns: Any) -> dict[str, list[Any]]:
    """The columns of a timeline with a sample a second."""
    return {
        "time_utc": [f"2026-11-27T23:{second // 60:02}:{second % 60:02}Z" for second in range(seconds)],
        "elapsed_s": [second + 0.983 for second in range(seconds)],
        "held": [50] * seconds,
        "server_held": [None, *[50] * (seconds - 1)],
        "messages_s": [1234.567] * seconds,
        "failures_s": [0.0] * seconds,
        "p50_ms": [0.591234] * seconds,
        "p99_ms": [6.115432] * seconds,
        **columns,
    }
