"""Pure: a drill of a run as a table: what was predicted and what was measured, for console, summary and report."""

from collections.abc import Mapping
from typing import Any

from rawsocket.verdict.drills.prediction import FIGURES, Expected
from rawsocket.verdict.drills.recovery import bounds, number

Drill = Mapping[str, Any]
TITLES = {
    "lost": "lost connections (blast radius)",
    "held_min": "held, lowest",
    "notice_p50_s": "time to notice, p50",
    "notice_p99_s": "time to notice, p99",
    "recover_s": "time to recover",
    "peak_connects_s": "attempts to connect, highest second",
    "attempts_per_user": "attempts per lost connection",
    "peak_p99_ms": "p99 from due, highest second",
    "typical_p99_ms": "p99 from due, median of the seconds of the fault",
    "messages_s": "messages a second during the fault",
    "dropped": "dropped",
    "failed": "failed connects",
    "own": "",
}
HEAD = ("figure", "predicted", "measured", "", "because")
MET, MISSED = "as predicted", "not as predicted"


def title(figure: str) -> str:
    """Return the title of a figure."""
    kind, _, name = figure.partition(".")
    return f"{TITLES.get(kind, kind)} {name}".strip().replace("_", " ") if name else TITLES.get(kind, kind)


def rows(drill: Drill) -> list[tuple[str, ...]]:
    """Return the figures: those that were predicted first, then all others that were measured."""
    found: list[tuple[str, ...]] = []
    for one in drill["predicted"]:
        expected = Expected(one["figure"], one["least"], one["most"], one["why"])
        outcome = MET if one["ok"] else MISSED
        found.append((title(one["figure"]), bounds(expected), shown(one["actual"], one["figure"]), outcome, one["why"]))
    predicted = {one["figure"] for one in drill["predicted"]}
    others = [name for name in drill["measured"] if name not in predicted]
    for name in sorted(others, key=lambda name: [*FIGURES].index(name.partition(".")[0])):
        found.append((title(name), "", shown(drill["measured"][name], name), "", ""))
    unknown = drill["unknown"]
    if unknown["measured"] or unknown["predicted"]:
        said = MET if len(unknown["measured"]) == unknown["predicted"] else MISSED
        found.append(("workers lost", str(unknown["predicted"]), ", ".join(unknown["measured"]) or "none", said, ""))
    return found


def span(drill: Drill) -> str:
    """Return when it was, in words."""
    began, over = drill["injected_s"], drill["healed_s"]
    if began is None:
        return "it was not injected"
    return f"from {began:.1f} s to {over:.1f} s of the run" if over is not None else f"from {began:.1f} s, never healed"


def shown(value: float | None, figure: str) -> str:
    """Return a figure with its unit, "-" if it is unknown."""
    return "-" if value is None else number(value, figure)
