"""Pure: a picture with panels of lines over held connections.

Ours has colour and a thicker line; the others are grey, told apart by their dashes and by the names at their ends.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.charts import svg
from bench.charts.svg import HEAD, MARGIN, PALE, WIDTH

FOOT, GAP = 34, 44
PLOT_LEFT, PLOT_RIGHT, PLOT_HEIGHT = MARGIN + 44, WIDTH - MARGIN - 212, 190
PANEL_HEAD = 56
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
    """Lines of one figure: by contender its points (x, y). `log`: the y axis is logarithmic as well; `labels`: names
    at the ends of the lines, if they differ from those of the picture.
    """

    title: str
    caption: str
    series: dict[str, list[tuple[float, float]]]
    log: bool = False
    labels: dict[str, str] = field(default_factory=dict)


def draw(title: str, caption: str, panels: Sequence[Panel], styles: dict[str, Style], labels: dict[str, str]) -> str:
    """Return a picture of panels, one below the other, that share their x axis (logarithmic)."""
    xs = sorted({x for panel in panels for points in panel.series.values() for x, _ in points})
    if not xs:
        return svg.page(title, caption, HEAD, [])
    each = PANEL_HEAD + PLOT_HEIGHT + GAP
    parts = [_panel(panel, HEAD + number * each, xs, styles, labels) for number, panel in enumerate(panels)]
    return svg.page(title, caption, HEAD + len(panels) * each + FOOT - 20, parts)


def _panel(panel: Panel, top: int, xs: Sequence[float], styles: dict[str, Style], labels: dict[str, str]) -> str:
    plot_top = top + PANEL_HEAD
    ys = [y for points in panel.series.values() for _, y in points]
    low, high = y_range(ys, panel.log)

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log(x) - math.log(xs[0])) / ((math.log(xs[-1]) - math.log(xs[0])) or 1)
        up = (math.log(y / low) / math.log(high / low)) if panel.log else y / high
        return PLOT_LEFT + across * (PLOT_RIGHT - PLOT_LEFT), plot_top + PLOT_HEIGHT * (1 - min(1.0, up))

    parts = [svg.rule(MARGIN, top, WIDTH - MARGIN), svg.text(MARGIN, top + 27, panel.title, 15.5, svg.INK, "600")]
    parts.append(svg.text(MARGIN, top + 45, panel.caption, 12, PALE))
    for tick in ticks(low, high, panel.log):
        y = at(xs[0], tick)[1]
        label = svg.text(PLOT_LEFT - 8, y + 4, short(tick), 11, PALE, anchor="end")
        parts += [svg.rule(PLOT_LEFT, y, PLOT_RIGHT), label]
    parts += [
        svg.text(at(x, high)[0], plot_top + PLOT_HEIGHT + 18, short(x), 11, PALE, anchor="middle") for x in _spaced(xs)
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
    """Draw the names at the ends of the lines; names of lines that end together stand below each other."""
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
    return svg.text(x, y, label, 12, *((style.colour, "600") if style.ours else (PALE, "400")))


def y_range(ys: Sequence[float], log: bool) -> tuple[float, float]:
    """Return the range of an axis: from 0 to a little above the largest value, or whole powers of ten."""
    if log:
        return 10.0 ** math.floor(math.log10(min(ys))), 10.0 ** math.ceil(math.log10(max(ys) * 1.0001))
    return 0.0, max(ys) * 1.08


def ticks(low: float, high: float, log: bool) -> list[float]:
    """Return the values at which an axis has a line: powers of ten, or 4 to 8 round steps."""
    if log:
        first, last = round(math.log10(low)), round(math.log10(high))
        return [10.0**power for power in range(first, last + 1)]
    step = 10.0 ** math.floor(math.log10(high / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if high / (step * factor) <= 6)
    return [step * n for n in range(int(high / step) + 1)]


def short(value: float) -> str:
    """Return a number of an axis."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:g}"


def _spaced(xs: Sequence[float]) -> list[float]:
    """Leave out numbers that would overlap their neighbour to the right."""
    found: list[float] = []
    for x in reversed(xs):
        if not found or found[-1] / x > (xs[-1] / xs[0]) ** LEAST_STEP:
            found.append(x)
    return found
