"""Pure: a section of the report: a table of its own shape, with notes and a picture; and the layout of tables."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.results.line import REPORTED


@dataclass(frozen=True)
class Section:
    """What a row of a benchmark shows beside the lines. `key` names it and the file of its picture (SVG; "": none).

    `outcome` is one of a line's outcomes.
    """

    key: str
    title: str
    table: list[list[str]]
    notes: list[str]
    outcome: str = REPORTED
    picture: str = field(default="", repr=False)

    def text(self) -> str:
        """Return the text for a terminal."""
        return "\n".join([self.title, "", columns(self.table), *self.notes])

    def markdown(self) -> str:
        """Return the text for bench.md."""
        notes = "\n".join(f"- {note}" for note in self.notes)
        return "\n\n".join(filter(None, [f"### {self.title}", piped(self.table), notes]))


def columns(table: Sequence[Sequence[str]]) -> str:
    """Lay out a table (a head and rows) for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join([shown[0], "-" * len(shown[0]), *shown[1:]])


def piped(table: Sequence[Sequence[str]]) -> str:
    """Lay out a table (a head and rows) in Markdown."""
    head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in table]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
