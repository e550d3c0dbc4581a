"""Whether a run holds steadily, from the seconds that its master says (rawsocket/master/reports/progress.py)."""

from collections.abc import Mapping, Sequence
from typing import Any

from lab.drills.drill import Before

STEADY_S = 5  # seconds in a row that have to be good
Second = Mapping[str, Any]


def why_not(seconds: Sequence[Second], p99_ms: float | None) -> str:
    """Return why the last STEADY_S seconds are no steady state, "" if they are. `p99_ms`: its objective."""
    if len(seconds) < STEADY_S:
        return f"{len(seconds)} s of the {STEADY_S} s that have to be steady"
    last = seconds[-STEADY_S:]
    for second in last:
        if second["held"] < second["wanted"] or not second["wanted"]:
            return f"{second['held']} of {second['wanted']} connections held"
        if p99_ms is not None and second["p99_ms"] is not None and second["p99_ms"] > p99_ms:
            return f"p99 was {second['p99_ms']:.0f} ms, its objective is {p99_ms:g} ms"
    failed = last[-1]["failures"] - last[0]["failures"]
    return f"{failed} failures in its last {STEADY_S} s" if failed else ""


def before(seconds: Sequence[Second]) -> Before:
    """Return what was there in the last seconds of a steady state."""
    last = seconds[-STEADY_S:]
    return Before(
        held=last[-1]["held"],
        wanted=last[-1]["wanted"],
        messages_s=sum(second["messages_s"] for second in last) / len(last),
        p99_ms=max((second["p99_ms"] or 0.0 for second in last), default=0.0),
    )
