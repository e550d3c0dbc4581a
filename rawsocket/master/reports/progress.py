"""Pure: what a run without the page says while it goes on: a JSON object each second for the lab, or lines of text.

A *second* is such an object: elapsed_s, left_s (None: a load shape decides), held, wanted, server_held (None: unknown),
messages_s, p99_ms (None: no reply came), failures (of the run so far), status ("" if unknown), alerts, level (of a load
shape of ours, else "").
"""

import math
from collections.abc import Mapping
from typing import Any

from rawsocket.master.reports.console import milliseconds
from rawsocket.master.reports.layout import WIDTH, wrapped
from rawsocket.master.timeline import Sample

EVERY_S = 5.0  # between two lines of text
SHAPED = "by its load shape"  # ends a line where the scenario decides on the length of the run
Second = Mapping[str, Any]


def second(sample: Sample, wanted: int, left_s: float, failures: int, live: Mapping[str, Any]) -> Second:
    """Return the object of one second; `live` may have `status` and `alerts` of /lab/state.json, and `level`."""
    return {
        "elapsed_s": sample.elapsed_s,
        "left_s": None if left_s == math.inf else round(max(0.0, left_s), 3),
        "held": sample.held,
        "wanted": wanted,
        "server_held": sample.server_held,
        "messages_s": sample.messages_s,
        "p99_ms": sample.p99_ms,
        "failures": failures,
        "status": live.get("status", ""),
        "alerts": live.get("alerts", []),
        "level": live.get("level", ""),
    }


def figures(second: Second) -> list[str]:
    """Return held, messages a second, p99 and failures of a second, each with its name."""
    p99 = "-" if second["p99_ms"] is None else f"{milliseconds(second['p99_ms'])} ms"
    return [
        f"held {second['held']}/{second['wanted']}",
        f"messages {rate(second['messages_s'])}/s",
        f"p99 {p99}",
        f"failures {second['failures']}",
    ]


def line(second: Second) -> str:
    """Return a second as a line of text, as long as a console is wide: then the length of the run is left out."""
    elapsed, left_s = second["elapsed_s"], second["left_s"]
    figures_, at = figures(second), clock(elapsed)
    if left_s is None:
        return "  ".join([*figures_, f"{at}, {SHAPED}"])
    whole = "  ".join([*figures_, f"{at} of {clock(elapsed + left_s)}"])
    return whole if len(whole) <= WIDTH else "  ".join([*figures_, at])


def rate(per_s: float) -> str:
    """Return a rate, without decimals from 100 on."""
    return f"{per_s:.0f}" if per_s >= 100 else f"{per_s:.1f}"


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, 0:07 or 1:02:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def alert_texts(second: Second) -> list[str]:
    """Return the text of each alert of a second."""
    return [alert["text"] for alert in second.get("alerts", ())]


class Lines:
    """The lines of text of a run: every 5 s and of the last second, and one where an alert begins or is over."""

    def __init__(self) -> None:
        self._last_s = -math.inf
        self._alerts: dict[tuple[str, float], str] = {}

    def of(self, second: Second) -> list[str]:
        """Return the lines to write after this second."""
        lines = self._changes(second)
        passed_s = second["elapsed_s"] - self._last_s
        last = second["left_s"] is not None and second["left_s"] <= 1.0
        if passed_s >= (1.0 if last else EVERY_S) - 0.5:  # a second is a little early or late
            self._last_s = second["elapsed_s"]
            lines.append(line(second))
        return lines

    def _changes(self, second: Second) -> list[str]:
        before, self._alerts = (
            self._alerts,
            {(alert["name"], alert["since_s"]): alert["text"] for alert in second.get("alerts", ())},
        )
        begun = [f"alert: {text}" for key, text in self._alerts.items() if key not in before]
        over = [f"alert over: {text}" for key, text in before.items() if key not in self._alerts]
        return [each for text in (*over, *begun) for each in wrapped(text, "       ")]
