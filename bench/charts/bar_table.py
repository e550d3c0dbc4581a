"""Pure: a picture of a table whose cells are bars."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.charts import svg
from bench.charts.svg import HEAD, INK, MARGIN, OURS, PALE, PEER, WIDTH

FOOT, ROW, BAR, HEADS = 34, 40, 7, 48
NAMES = 158


@dataclass(frozen=True)
class Column:
    """One column of bars: for each row a number (None: no bar) and the text above its bar.

    `cut`: a bar that is far longer than all others is cut off, so that the others can be told apart.
    """

    title: tuple[str, str]
    values: list[float | None]
    shown: list[str]
    cut: bool = True


def draw(title: str, caption: str, names: Sequence[str], ours: Sequence[bool], columns: Sequence[Column]) -> str:
    """Return a picture of a table: a row for each name, and in each cell a bar with its figure.

    Each column has its own scale.
    """
    height = HEAD + HEADS + len(names) * ROW + FOOT - 14
    wide = (WIDTH - 2 * MARGIN - NAMES) / max(1, len(columns))
    parts = []
    for row, name in enumerate(names):
        y = HEAD + HEADS + row * ROW
        parts.append(svg.rule(MARGIN, y, WIDTH - MARGIN))
        parts.append(svg.text(MARGIN, y + 24, name, 13, *svg.ink(ours[row])))
    for number, column in enumerate(columns):
        parts.append(_column(column, MARGIN + NAMES + number * wide, wide - 14, ours))
    return svg.page(title, caption, height, parts)


def _column(column: Column, left: float, wide: float, ours: Sequence[bool]) -> str:
    first, second = column.title
    parts = [svg.text(left, HEAD + 20, first, 12, INK, "600"), svg.text(left, HEAD + 36, second, 11, PALE)]
    scale = wide / limit([value for value in column.values if value is not None], column.cut)
    for row, (value, shown) in enumerate(zip(column.values, column.shown, strict=True)):
        y = HEAD + HEADS + row * ROW
        parts.append(svg.text(left, y + 19, shown, 12, *svg.ink(ours[row])))
        if value is not None:
            parts.append(_bar(left, y + 25, value * scale, wide, OURS if ours[row] else PEER))
    return "\n".join(parts)


def _bar(left: float, y: float, length: float, wide: float, colour: str) -> str:
    """Draw a bar no longer than `wide`; a gap in it shows that it is cut off."""
    shown = max(1.5, min(length, wide))
    bar = f'<rect x="{left:.1f}" y="{y}" width="{shown:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
    if length <= wide * 1.001:
        return bar
    return f'{bar}<path d="M{left + shown - 13:.1f} {y + BAR + 1}l5 -{BAR + 2}" stroke="#ffffff" stroke-width="3"/>'


def limit(values: Sequence[float], cut: bool) -> float:
    """Return the value of a bar of full length: the largest; `cut`: the largest that is not far above all others."""
    ordered = sorted(values, reverse=True)
    if cut and len(ordered) > 1 and ordered[0] > 4 * ordered[1] > 0:
        return limit(ordered[1:], cut)
    return max([*ordered, 1e-9])
