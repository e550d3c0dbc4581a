"""The fields `shape` and `levels` of verdict.json, for tests of what shows them."""

from typing import Any


def level(**changes: Any) -> dict[str, Any]:
    """Return a level that passed."""
    return {
        "number": 1, "users": 100, "when": "", "begun_s": 0.0, "held_s": 1.0, "steady_from_s": 3.0, "to_s": 31.0,
        "steady_s": 28.0, "held_min": 100, "p50_ms": 0.42, "p95_ms": 1.9, "p99_ms": 3.1, "messages_s": 99.8,
        "failures": 0, "server_cpu_share": 0.12, "verdict": "pass", "stopped": False, "reason": "", "thresholds": [],
        **changes,
    }  # fmt: skip


def document() -> dict[str, Any]:
    """Return the two fields of a run that holds 100 users and fails at 200."""
    failed = level(
        number=2, users=200, begun_s=31.0, held_s=32.0, steady_from_s=34.0, to_s=62.0, held_min=200, p50_ms=0.61,
        p99_ms=31.0, messages_s=199.6, server_cpu_share=None, verdict="fail", reason="p99 from due 31 ms",
    )  # fmt: skip
    line = "holds 100 users; at 200 users: p99 from due 31 ms"
    shape = {"name": "steps", "text": "100 to 1,000 users by 100, 30 s each", "levels": 10, "line": line}
    return {"shape": shape, "levels": [level(), failed]}
