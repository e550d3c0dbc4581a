"""Pure: the ledger of verdict.json as a readable table, on the console, in the summary, in the report."""

from collections.abc import Collection, Iterable, Mapping
from html import escape
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
COLORS = {"unexplained": "color:#c62828;font-weight:bold", "unknown": "color:#b26a00", "ok": ""}
_CELL = "padding:2px 24px 2px 0"
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


def html(ledger: Mapping[str, Any], said: Collection[str] = ()) -> str:
    """Return the ledger as a section of the report, without the reasons that are `said` already."""
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in unknown(ledger, said))
    states = {row["what"]: row["status"] for row in ledger["rows"]}
    return (
        f'<h3 id="holdfast-ledger">{escape(title(ledger))}</h3><ul>{reasons}</ul>'
        f"{_table([HEADER, *both(ledger)], states)}<br>{_table([OUTCOMES, *alone(ledger)], states)}"
    )


def _table(rows: list[Cells], states: Mapping[str, str]) -> str:
    head, *body = rows
    lines = [_line(head, "", "th"), *(_line(row, COLORS[states[row[0]]], "td") for row in body)]
    return f"<table>{''.join(lines)}</table>"


def _line(row: Cells, color: str, tag: str) -> str:
    cells = (f'<{tag} style="{_CELL};text-align:{_side(cell)}">{escape(cell)}</{tag}>' for cell in row)
    return f'<tr style="{color}">{"".join(cells)}</tr>'


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
