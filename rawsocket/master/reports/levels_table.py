"""Pure: the levels of a load shape as a table, for the console, the summary and the report."""

from collections.abc import Mapping, Sequence
from typing import Any

from rawsocket.master.reports.console import milliseconds, number
from rawsocket.verdict import words

Document = Mapping[str, Any]
HEADER = ("level", "held", "p50 ms", "p99 ms", "messages/s", "failures", "server CPU", "result")
SHORT = (0, 1, 3, 4, 5, 7)  # columns that a console has room for
RESULTS = {"pass": "passed", "fail": "failed", "unknown": "unknown", None: "under way"}
STOPPED = "stopped"
ALL, FIRST, LAST = 40, 5, 34  # rows of a console's table: all, or the first and the last of them


def rows(document: Document) -> list[tuple[str, ...]]:
    """Return a row for each level that has begun; none for a run without a load shape."""
    return [_row(level) for level in document.get("levels", ())]


def short(document: Document) -> list[tuple[str, ...]]:
    """Return header and rows with the columns that a console has room for; of many rows, the first and the last."""
    found = [tuple(row[at] for at in SHORT) for row in (HEADER, *rows(document))]
    if len(found) <= ALL:
        return found
    left_out = f"... {len(found) - 1 - FIRST - LAST} more ..."
    return [*found[: FIRST + 1], (left_out, *[""] * (len(SHORT) - 1)), *found[-LAST:]]


def name(level: Document) -> str:
    """Return what a level is called: '600 users', 'in part 2 of 4, 600 users'."""
    users = words.count(level["users"], "user")
    return f"{level['when']}, {users}" if level["when"] else users


def result(level: Document) -> str:
    """Return how a level ended: passed, failed, unknown, or stopped before its time was over."""
    if level["stopped"] and level["verdict"] != "fail":
        return STOPPED
    return RESULTS[level["verdict"]]


def line(document: Document) -> str:
    """Return what the levels have shown, "" for a run without a load shape."""
    return words.sentence((document.get("shape") or {}).get("line", ""))


def reasons(document: Document) -> Sequence[str]:
    """Return why levels did not pass, each with its name."""
    return [f"{name(level)}: {level['reason']}" for level in document.get("levels", ()) if level["reason"]]


def _row(level: Document) -> tuple[str, ...]:
    cpu = level["server_cpu_share"]
    return (
        name(level),
        number(level["held_min"]),
        milliseconds(level["p50_ms"]),
        milliseconds(level["p99_ms"]),
        _rate(level["messages_s"]),
        number(level["failures"]),
        "-" if cpu is None else words.percent(cpu),
        result(level),
    )


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
