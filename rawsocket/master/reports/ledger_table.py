"""Pure: the ledger of verdict.json as readable tables: texts for the console, the summary and the report."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from rawsocket.master.reports import layout

HEADER = ("what", "clients say", "server says", "difference", "explained by", "unexplained")
OUTCOMES = ("as the clients saw it", "in all", "what became of them", "unaccounted for")
NUMBERS = {"clients say", "server says", "difference", "unexplained", "in all", "unaccounted for"}
ALONE = ("connects begun", "connections made", "messages due", "messages sent", "goodbyes")
TITLES = {
    True: "Ledger: reconciled, nothing is unexplained",
    False: "Ledger: NOT reconciled",
    None: "Ledger: in part unknown",
}
Cells = tuple[str, ...]


def title(ledger: Mapping[str, Any]) -> str:
    """Say in one line whether the two sides agree."""
    if all(row["status"] == "unknown" for row in ledger["rows"]):
        return "Ledger: unknown"
    return TITLES[ledger["reconciled"]]


def both(ledger: Mapping[str, Any]) -> list[Cells]:
    """Return the rows with two sides, as texts for the columns of HEADER."""
    return [
        (
            row["what"],
            _number(row["clients"]),
            _number(row["server"]),
            _number(row["difference"], row["status"]),
            _named(row["explained"]),
            _number(row["unexplained"], row["status"]),
        )
        for row in ledger["rows"]
        if row["what"] not in ALONE
    ]


def alone(ledger: Mapping[str, Any]) -> list[Cells]:
    """Return the rows of the clients alone, as texts for the columns of OUTCOMES."""
    return [
        (row["what"], _number(row["clients"]), _named(row["explained"]), _number(row["unexplained"], row["status"]))
        for row in ledger["rows"]
        if row["what"] in ALONE
    ]


def unknown(ledger: Mapping[str, Any], said: Collection[str]) -> list[str]:
    """Return why something is unknown, without the reasons that are `said` already."""
    return [reason for reason in ledger["unknown"] if reason not in said]


def console(ledger: Mapping[str, Any], said: Collection[str] = ()) -> list[str]:
    """Return the ledger as lines, without the reasons that are `said` already."""
    lines = [title(ledger)]
    for reason in unknown(ledger, said):
        lines += layout.wrapped(f"unknown: {reason}", "    ", "  ")
    return [*lines, *_columns([HEADER, *both(ledger)], 4), *_columns([OUTCOMES, *alone(ledger)], 2)]


def _side(cell: str) -> str:
    return "right" if _is_number(cell) or cell in NUMBERS else "left"


def _columns(rows: Iterable[Cells], named: int) -> list[str]:
    """Align cells in columns, numbers to the right; the cell `named` is a line of its own below its row."""
    rows = list(rows)
    head = rows[0][named]
    narrow = [(*row[:named], *row[named + 1 :]) for row in rows]
    lines = layout.columns(narrow, [False, *[True] * (len(narrow[0]) - 1)])
    found = [lines[0]]
    for row, line in zip(rows[1:], lines[1:], strict=True):
        found += [line, *(layout.wrapped(f"{head}: {row[named]}", "      ", "    ") if row[named] else [])]
    return found


def _is_number(cell: str) -> bool:
    return cell.lstrip("-").isdigit() or cell in ("-", "?")


def _number(value: int | None, status: str = "") -> str:
    return "?" if value is None and status == "unknown" else "-" if value is None else str(value)


def _named(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {event}" for event, count in counts.items())
