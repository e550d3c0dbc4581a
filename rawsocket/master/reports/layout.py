"""Pure: lines of a console: at most 79 columns, sentences wrapped, tables aligned."""

import textwrap
from collections.abc import Sequence

WIDTH = 79


def wrapped(text: str, indent: str = "", first: str = "", width: int = WIDTH) -> list[str]:
    """Return the text as lines; the first begins with `first`, the others with `indent`. Long words are not cut."""
    found = textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return found or [first.rstrip()]


def pairs(rows: Sequence[tuple[str, str]], width: int = WIDTH) -> list[str]:
    """Return rows of name and value as two columns; a long value goes on in its own column."""
    first = max((len(name) for name, _ in rows), default=0) + 2
    return [line for name, value in rows for line in wrapped(value, " " * first, f"{name:<{first}}", width)]


def columns(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Return rows of cells as aligned columns; `right` says of each column whether it is aligned to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(right))]
    return ["  ".join(map(_set, row, widths, right)).rstrip() for row in rows]


def _set(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)
