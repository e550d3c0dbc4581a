"""Pure: the ledger of verdict.json as readable tables: texts for the console, the summary and the report."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

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
    lines = [title(ledger), *(f"  unknown: {reason}" for reason in unknown(ledger, said))]
    return [*lines, *_columns([HEADER, *both(ledger)]), *_columns([OUTCOMES, *alone(ledger)])]


def _side(cell: str) -> str:
    return "right" if _is_number(cell) or cell in NUMBERS else "left"


def _columns(rows: Iterable[Cells]) -> list[str]:
    """Align cells in columns, numbers to the right."""
    rows = list(rows)
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(map(_set, row, widths)).rstrip() for row in rows]


def _set(cell: str, width: int) -> str:
    return cell.rjust(width) if _side(cell) == "right" else cell.ljust(width)


def _is_number(cell: str) -> bool:
    return cell.lstrip("-").isdigit() or cell in ("-", "?")


def _number(value: int | None, status: str = "") -> str:
    return "?" if value is None and status == "unknown" else "-" if value is None else str(value)


def _named(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {event}" for event, count in counts.items())
