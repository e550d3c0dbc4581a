"""Pure: bench.svg. A panel for each figure: a bar for each contender, ours in colour, with a mark at our limit.

Arrivals are drawn as columns, one for each 100 ms. All data come from the lines of the table.
"""

from collections.abc import Sequence

from bench.charts import svg
from bench.charts.svg import HEAD, INK, LIMIT, MARGIN, OURS, PALE, PEER, REFERENCE, WIDTH
from bench.results.line import AIM, MET, MISSED, REPORTED, Line, Roster, number

LABEL = 180
LEFT = MARGIN + LABEL  # the left end of all bars
PLOT = WIDTH - MARGIN - LEFT - 116  # length of the longest bar; its figure is to the right of it
BAR, GAP, TITLE, FOOT = 20, 8, 60, 30
STRIP, CUT = 48, 3.0  # height of a strip, and the multiple of an even arrival rate at which columns are cut off
BADGES = {AIM: "#0f766e", MET: "#2563eb", MISSED: "#dc2626"}


def draw(roster: Roster, lines: Sequence[Line], even: float = 100.0) -> str:
    """Return the picture; `even` is the number of connections due in each 100 ms. Lines without bars are left out."""
    parts, top = [], HEAD
    for line in lines:
        if line.strips:
            body, height = _strips(roster, line, top + TITLE, even)
        else:
            body, height = _bars(roster, line, top + TITLE)
        if height:
            parts += [_title(roster, line, top), body]
            top += TITLE + height + 18
    height = top + FOOT - 18
    return svg.page(roster.picture, roster.caption, height, parts)


def _title(roster: Roster, line: Line, top: int) -> str:
    limits = f"must reach {number(line.must, line.unit)}"
    if line.aim is not None:
        limits += f", aim {number(line.aim, line.unit)}"
    caption = line.caption or "Less is better"
    if line.outcome != REPORTED:
        caption = f"{caption}{'; ' if line.caption else ': '}{limits}"
    rule = svg.rule(MARGIN, top, WIDTH - MARGIN)
    title = svg.text(MARGIN, top + 28, line.title, 15.5, INK, "600")
    return "\n".join([rule, title, svg.text(MARGIN, top + 47, caption, 12, PALE), _badge(roster, line, top)])


def _badge(roster: Roster, line: Line, top: int) -> str:
    if line.outcome not in BADGES:
        return ""
    text = f"{line.shown[roster.ours]}: {line.outcome}"
    return svg.text(WIDTH - MARGIN, top + 28, text, 13, BADGES[line.outcome], "600", "end")


def _bars(roster: Roster, line: Line, top: int) -> tuple[str, int]:
    bars = [bar for bar in line.bars if any(value for _, value, _ in line.bars)]
    marked = line.must if line.must and line.bars and line.bars[0][1] == line.values[roster.ours] else None
    scale = PLOT / max([abs(value) for _, value, _ in bars] + [marked or 0.0, 1e-9])
    rows = [top + row * (BAR + GAP) for row in range(len(bars))]
    ends = [max(abs(value), 0.0 if row else marked or 0.0) * scale for row, (_, value, _) in enumerate(bars)]
    parts = [_bar(roster, bar, y, abs(bar[1]) * scale, end) for bar, y, end in zip(bars, rows, ends, strict=True)]
    if bars and marked:
        x = LEFT + marked * scale
        parts.append(f'<path d="M{x:.1f} {top - 5}v{BAR + 10}" stroke="{LIMIT}" stroke-width="2.5"/>')
    return "\n".join(parts), len(bars) * (BAR + GAP)


def _bar(roster: Roster, bar: tuple[str, float, str], y: int, width: float, end: float) -> str:
    """Draw one bar; its figure is to the right of `end`, so that it does not cover the mark."""
    label, _, shown = bar
    ours = label == roster.labels[roster.ours]
    colour = OURS if ours else REFERENCE if label in roster.references else PEER
    weight, ink = ("600", INK) if ours else ("400", PALE)
    return "\n".join(
        [
            svg.text(LEFT - 12, y + 15, label, 13, ink, weight, "end"),
            f'<rect x="{LEFT}" y="{y}" width="{max(width, 2.0):.1f}" height="{BAR}" rx="3" fill="{colour}"/>',
            svg.text(LEFT + max(end, 2.0) + 9, y + 15, shown, 13, ink, weight),
        ]
    )


def _strips(roster: Roster, line: Line, top: int, even: float) -> tuple[str, int]:
    longest = max(map(len, line.strips.values()))
    step = PLOT / max(longest, 1)
    parts = []
    for name, tenths in line.strips.items():
        ours, floor = name == roster.ours, top + STRIP
        columns = "".join(_column(LEFT + at * step, floor, count / even, step) for at, count in enumerate(tenths))
        parts.append(svg.text(LEFT - 12, floor - 16, roster.labels[name], 13, INK if ours else PALE, "400", "end"))
        parts.append(f'<path d="{columns}" fill="{OURS if ours else PEER}"/>')
        level = floor - STRIP / CUT
        parts.append(f'<path d="M{LEFT} {level:.1f}h{PLOT}" stroke="{REFERENCE}" stroke-dasharray="4 4"/>')
        if tenths:
            shown = f"{min(tenths)} to {max(tenths)}"
            parts.append(svg.text(LEFT + PLOT + 9, floor - 16, shown, 13, *svg.ink(ours)))
        top += STRIP + 2 * GAP
    return "\n".join(parts), len(line.strips) * (STRIP + 2 * GAP)


def _column(x: float, floor: float, share: float, step: float) -> str:
    height = min(share, CUT) * STRIP / CUT
    return f"M{x:.2f} {floor:.1f}v{-height:.2f}h{step * 0.85:.2f}v{height:.2f}z" if height else ""
