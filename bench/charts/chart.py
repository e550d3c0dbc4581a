"""Pure: pictures of a section. Panels of lines over held connections, and a table whose cells are bars.

Ours has colour and weight; the others are grey, told apart by their dashes and by the names at their ends.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

WIDTH, MARGIN = 880, 36
HEAD, FOOT, GAP = 96, 34, 44
PLOT_LEFT, PLOT_RIGHT, PLOT_HEIGHT = MARGIN + 44, WIDTH - MARGIN - 212, 190
PANEL_HEAD, ROW, BAR, HEADS = 56, 40, 7, 48
NAMES = 158
INK, PALE, RULE, PEER, OURS = "#1f2430", "#6b7280", "#e5e7eb", "#c3cad6", "#0f766e"
LABEL_APART = 15
LEAST_STEP = 0.075  # between two numbers of the x axis, as a share of it


@dataclass(frozen=True)
class Style:
    """How one contender is drawn."""

    colour: str = "#9aa3b2"
    width: float = 1.6
    dash: str = ""

    @property
    def ours(self) -> bool:
        """Whether it stands out."""
        return self.width > 2


@dataclass(frozen=True)
class Panel:
    """Lines of one figure: by contender its points (x, y). `log`: the y axis is logarithmic as well; `labels`: where
    the names at the ends of the lines say more here.
    """

    title: str
    caption: str
    series: dict[str, list[tuple[float, float]]]
    log: bool = False
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """One column of bars: a number for each row (None: none), and what is written above its bar.

    `cut`: a bar that is far longer than all others is cut off, so that they can be told apart.
    """

    title: tuple[str, str]
    values: list[float | None]
    shown: list[str]
    cut: bool = True


def lines(title: str, caption: str, panels: Sequence[Panel], styles: dict[str, Style], labels: dict[str, str]) -> str:
    """Give a picture of panels, one below the other, that share their x axis (logarithmic)."""
    xs = sorted({x for panel in panels for points in panel.series.values() for x, _ in points})
    if not xs:
        return _page(title, caption, HEAD, [])
    each = PANEL_HEAD + PLOT_HEIGHT + GAP
    parts = [_panel(panel, HEAD + number * each, xs, styles, labels) for number, panel in enumerate(panels)]
    return _page(title, caption, HEAD + len(panels) * each + FOOT - 20, parts)


def bars(title: str, caption: str, names: Sequence[str], ours: Sequence[bool], columns: Sequence[Column]) -> str:
    """Give a picture of a table: a row for each name, and in each cell a bar with its figure.

    Each column has its own scale.
    """
    height = HEAD + HEADS + len(names) * ROW + FOOT - 14
    wide = (WIDTH - 2 * MARGIN - NAMES) / max(1, len(columns))
    parts = []
    for row, name in enumerate(names):
        y = HEAD + HEADS + row * ROW
        parts.append(_rule(MARGIN, y, WIDTH - MARGIN))
        parts.append(_text(MARGIN, y + 24, name, 13, *_ink(ours[row])))
    for number, column in enumerate(columns):
        parts.append(_column(column, MARGIN + NAMES + number * wide, wide - 14, ours))
    return _page(title, caption, height, parts)


def _ink(ours: bool) -> tuple[str, str]:
    return (INK, "600") if ours else (PALE, "400")


def _column(column: Column, left: float, wide: float, ours: Sequence[bool]) -> str:
    first, second = column.title
    parts = [_text(left, HEAD + 20, first, 12, INK, "600"), _text(left, HEAD + 36, second, 11, PALE)]
    scale = wide / limit([value for value in column.values if value is not None], column.cut)
    for row, (value, shown) in enumerate(zip(column.values, column.shown, strict=True)):
        y = HEAD + HEADS + row * ROW
        parts.append(_text(left, y + 19, shown, 12, *_ink(ours[row])))
        if value is not None:
            parts.append(_bar(left, y + 25, value * scale, wide, OURS if ours[row] else PEER))
    return "\n".join(parts)


def _bar(left: float, y: float, length: float, wide: float, colour: str) -> str:
    """A bar no longer than `wide`; a gap says that it would be longer."""
    shown = max(1.5, min(length, wide))
    bar = f'<rect x="{left:.1f}" y="{y}" width="{shown:.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
    if length <= wide * 1.001:
        return bar
    return f'{bar}<path d="M{left + shown - 13:.1f} {y + BAR + 1}l5 -{BAR + 2}" stroke="#ffffff" stroke-width="3"/>'


def limit(values: Sequence[float], cut: bool) -> float:
    """Give the value of a whole bar: the largest; `cut`: that is not far off all others."""
    ordered = sorted(values, reverse=True)
    if cut and len(ordered) > 1 and ordered[0] > 4 * ordered[1] > 0:
        return limit(ordered[1:], cut)
    return max([*ordered, 1e-9])


def _panel(panel: Panel, top: int, xs: Sequence[float], styles: dict[str, Style], labels: dict[str, str]) -> str:
    plot_top = top + PANEL_HEAD
    ys = [y for points in panel.series.values() for _, y in points]
    low, high = y_range(ys, panel.log)

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log(x) - math.log(xs[0])) / ((math.log(xs[-1]) - math.log(xs[0])) or 1)
        up = (math.log(y / low) / math.log(high / low)) if panel.log else y / high
        return PLOT_LEFT + across * (PLOT_RIGHT - PLOT_LEFT), plot_top + PLOT_HEIGHT * (1 - min(1.0, up))

    parts = [_rule(MARGIN, top, WIDTH - MARGIN), _text(MARGIN, top + 27, panel.title, 15.5, INK, "600")]
    parts.append(_text(MARGIN, top + 45, panel.caption, 12, PALE))
    for tick in ticks(low, high, panel.log):
        y = at(xs[0], tick)[1]
        parts += [_rule(PLOT_LEFT, y, PLOT_RIGHT), _text(PLOT_LEFT - 8, y + 4, short(tick), 11, PALE, anchor="end")]
    parts += [
        _text(at(x, high)[0], plot_top + PLOT_HEIGHT + 18, short(x), 11, PALE, anchor="middle") for x in _spaced(xs)
    ]
    ends = []
    for name in sorted(panel.series, key=lambda name: styles[name].ours):  # ours above the others
        points = [at(x, y) for x, y in panel.series[name]]
        if not points:
            continue
        parts.append(_line(points, styles[name]))
        ends.append((points[-1][1], points[-1][0], name))
    parts += _names(ends, plot_top + PLOT_HEIGHT, styles, {**labels, **panel.labels})
    return "\n".join(parts)


def _line(points: Sequence[tuple[float, float]], style: Style) -> str:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
    stroke = f'stroke="{style.colour}" stroke-width="{style.width:g}"'
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{style.width:g}" fill="{style.colour}"/>' for x, y in points)
    return f'<path d="M{path}" fill="none" {stroke}{dash} stroke-linejoin="round"/>{dots}'


def _names(
    ends: Sequence[tuple[float, float, str]], floor: float, styles: dict[str, Style], labels: dict[str, str]
) -> list[str]:
    """Names at the ends of the lines; those of lines that end together below each other."""
    parts = []
    for x in sorted({x for _, x, _ in ends}):
        together, below = sorted((y, name) for y, at, name in ends if at == x), -math.inf
        for number, (y, name) in enumerate(together):
            highest = floor - (len(together) - 1 - number) * LABEL_APART  # so that those below have room
            beside = y + 4 if x >= PLOT_RIGHT - 1 else y - 6  # other lines go on to the right of it
            below = max(min(beside, highest), below + LABEL_APART)
            parts.append(_name(x + 10, below, styles[name], labels[name]))
    return parts


def _name(x: float, y: float, style: Style, label: str) -> str:
    return _text(x, y, label, 12, *((style.colour, "600") if style.ours else (PALE, "400")))


def y_range(ys: Sequence[float], log: bool) -> tuple[float, float]:
    """Give what an axis spans: from nothing to a little more than the most, or whole powers of ten."""
    if log:
        return 10.0 ** math.floor(math.log10(min(ys))), 10.0 ** math.ceil(math.log10(max(ys) * 1.0001))
    return 0.0, max(ys) * 1.08


def ticks(low: float, high: float, log: bool) -> list[float]:
    """Give where an axis has its lines: the powers of ten, or 4 to 8 round steps."""
    if log:
        first, last = round(math.log10(low)), round(math.log10(high))
        return [10.0**power for power in range(first, last + 1)]
    step = 10.0 ** math.floor(math.log10(high / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if high / (step * factor) <= 6)
    return [step * n for n in range(int(high / step) + 1)]


def short(value: float) -> str:
    """Give a number of an axis."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:g}"


def _spaced(xs: Sequence[float]) -> list[float]:
    """Leave out what would be written over its neighbour to the right."""
    found: list[float] = []
    for x in reversed(xs):
        if not found or found[-1] / x > (xs[-1] / xs[0]) ** LEAST_STEP:
            found.append(x)
    return found


def _page(title: str, caption: str, height: int, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">'
        f'<rect width="{WIDTH}" height="{height}" rx="14" fill="#ffffff"/>'
    )
    titles = [_text(MARGIN, 48, title, 23, INK, "600"), _text(MARGIN, 72, caption, 13, PALE)]
    return "\n".join([head, *titles, *parts, "</svg>\n"])


def _rule(left: float, y: float, right: float) -> str:
    return f'<path d="M{left} {y:.1f}H{right}" stroke="{RULE}"/>'


def _text(x: float, y: float, text: str, size: float, colour: str, weight: str = "400", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
