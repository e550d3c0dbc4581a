"""Documents as a master writes them, without Locust: verdict.json of runs with each verdict, and a second of a run."""

import json
from typing import Any

LATENCY = {"p50": 0.893, "p95": 9.023, "p99": 20.591, "p99_9": 20.591, "max": 20.591}
BUSY = (
    "the generator was saturated on worker 4011c4c9fc79_d473e63748ba4470b5fdc9e6e421bad5 (lag p99 81.0 ms, worst 250"
    " ms, 3.0% of a core): it was kept from running"
)
FULL = {
    "name": "server-full",
    "text": "The server holds 1,000 connections (its cap) and refused 3,591 connects",
    "remedy": "Set MAX_CONNECTIONS or MODEL=epoll",
}
PASSED: dict[str, Any] = {
    "schema": 1,
    "verdict": "pass",
    "exit_code": 0,
    "reasons": [
        "1200 of 1200 connections held for 54 s, no failures, p99 latency 20.6 ms",
        "no byte ever arrived on 28 connections",
    ],
    "run": {"scenario": "hold", "users": 1200, "rate": 200.0, "workers": 2, "steady_s": 54.1},
    "held": {"steady_min": 1200, "peak": 1200, "server_steady_min": 1200},
    "connections": {
        **{"attempted": 1200, "connected": 1200, "failed": {}, "dropped": {}, "reconnects": 0, "arrivals_per_s": 200.4},
    },
    "messages": {
        **{"due": 6000, "sent": 6000, "answered": 6000, "oneway": 0, "wrong": 0, "unanswered": 0, "pushed": 0},
        **{"unread_pushes": 0, "per_s": 118.4, "waiting": 0, "oldest_waiting_s": 0.0},
    },
    "latency_ms": dict.fromkeys(("from_due", "from_sent", "first_byte", "connect"), LATENCY),
    "generator": {"workers": [{"cpu_share": 0.015, "lag_p99_ms": 13.7, "lag_max_ms": 22.4}], "limit": None},
    "server": None,
    "thresholds": [
        {"name": "min_held", "limit": 1200, "actual": 1200, "ok": True},
        {"name": "max_failures", "limit": 0, "actual": 0, "ok": True},
        {"name": "max_p99_ms", "limit": 1000, "actual": 20.591, "ok": True},
    ],
    "storms": [],
    "goodbyes": {"begun": 0, "said": 0},
    "ledger": {"reconciled": True, "rows": [], "events": [], "unknown": []},
    "scenario_errors": [],
}


def passed(**changes: Any) -> dict[str, Any]:
    """Return verdict.json of a run that passed, with changes."""
    return {**json.loads(json.dumps(PASSED)), **changes}


def failed(**changes: Any) -> dict[str, Any]:
    """Return that of a run against a server that was full."""
    texts = ("1,000 connections were held; 1,200 were wanted", "3,591 failures; none were allowed")
    found = passed(
        verdict="fail",
        exit_code=3,
        reasons=["min_held: 1000, at least 1200 was demanded", "max_failures: 3591, at most 0 was demanded"],
        held={"steady_min": 1000, "peak": 1000, "server_steady_min": 1000},
        cause=FULL,
    )
    for check, actual, text in zip(found["thresholds"], (1000, 3591), texts, strict=False):
        check.update(actual=actual, ok=False, text=text)
    found["connections"]["failed"] = {"server-full": 3591}
    return {**found, **changes}


def unknown(**changes: Any) -> dict[str, Any]:
    """Return that of a run whose generator was too slow."""
    return passed(verdict="unknown", exit_code=4, reasons=[BUSY], cause=None, **changes)


def second(elapsed_s: float = 12.0, left_s: float | None = 48.0, **changes: Any) -> dict[str, Any]:
    """Return the object that a master writes each second."""
    return {
        **{"elapsed_s": elapsed_s, "left_s": left_s, "held": 800, "wanted": 800, "server_held": 800},
        **{"messages_s": 80.3, "p99_ms": 1.31, "failures": 0, "status": "on track", "alerts": [], "level": ""},
        **changes,
    }


ALERT = {
    "name": "server-full",
    "text": "Server full: it holds 1,000; 500 users are refused. Set MAX_CONNECTIONS or MODEL=epoll",
    "since_s": 3.0,
}


def lines(
    document: dict[str, Any], seconds: int = 7, files: tuple[str, ...] = (), trouble: str = ""
) -> tuple[str, ...]:
    """Return the lines of a master: a JSON object each second, and one with the result."""
    found = [{"progress": second(at + 0.3, 59.7 - at, held=min(800, 200 * at))} for at in range(seconds)]
    return (*map(json.dumps, found), json.dumps({"result": document, "files": files, "trouble": trouble}))
