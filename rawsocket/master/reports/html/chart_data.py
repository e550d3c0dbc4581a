"""Pure: what charts.js draws of a run: columns of the timeline, events, the steady window, the limits."""

from collections.abc import Mapping, Sequence
from typing import Any

from rawsocket.master.reports.html.first_screen import check
from rawsocket.master.reports.result import wanted

DIGITS = {"elapsed_s": 1, "held": 0, "server_held": 0, "messages_s": 1, "failures_s": 1, "p50_ms": 3, "p99_ms": 3}
POINTS = 600
LEVEL = ("users", "begun_s", "steady_from_s", "to_s", "verdict")
Columns = Mapping[str, Sequence[Any]]


def chart_data(document: Mapping[str, Any], timeline: Columns) -> dict[str, Any]:
    """Return the argument of holdfastCharts()."""
    return {
        "timeline": _thinned(timeline),
        "events": events(document),
        "steady": steady(document),
        "levels": levels(document),
        "drill": drill(document),
        "silences": document.get("silences", []),
        "limits": {
            "wanted": wanted(document) or None,
            "cap": (document.get("server") or {}).get("max_connections"),
            "p99_ms": check(document, "max_p99_ms").get("limit"),
        },
        "live": document["verdict"] == "running",
    }


def steady(document: Mapping[str, Any]) -> list[float] | None:
    """Return [from, to] of the steady window in seconds, None without one."""
    run = document["run"]
    begin, length = run.get("steady_from_s"), run.get("steady_s")
    return [begin, round(begin + length, 3)] if begin is not None and length else None


def drill(document: Mapping[str, Any]) -> list[float | None] | None:
    """Return from when to when the fault of a drill was there, to None if it never healed; None without one."""
    found = document.get("drill") or {}
    return None if found.get("injected_s") is None else [found["injected_s"], found["healed_s"]]


def levels(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the charts show of the levels of a load shape."""
    return [{name: level.get(name) for name in LEVEL} for level in document.get("levels", ())]


def events(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the events of the run; of one that has none, its stop."""
    found = list(document.get("events") or ())
    window = steady(document)
    if not found and window:
        found = [{"at_s": window[1], "kind": "stop", "text": "Stop was asked for"}]
    return found


def _thinned(timeline: Columns) -> dict[str, list[Any]]:
    """Return at most some POINTS samples, evenly picked, the latest among them; numbers are rounded."""
    step = -(-len(timeline.get("elapsed_s", ())) // POINTS) or 1
    return {
        name: [_rounded(value, digits) for value in timeline[name][::-1][::step][::-1]]
        for name, digits in DIGITS.items()
        if name in timeline
    }


def _rounded(value: float | None, digits: int) -> float | None:
    if value is None:
        return None
    found = round(float(value), digits)
    return int(found) if found.is_integer() else found
