"""Pure: bench.svg. A panel for each figure: a bar for each contender, ours in colour, and a mark where ours must end.

The arrivals are drawn as they came, a column for each 100 ms. Whatever is drawn comes from the table's lines.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from bench.harness.line import AIM, MET, MISSED, TOLD, Cast, Line, number

WIDTH, MARGIN, LABEL = 880, 36, 180
LEFT = MARGIN + LABEL  # where bars begin
PLOT = WIDTH - MARGIN - LEFT - 116  # what the longest bar may take; its figure stands behind it
BAR, GAP, HEAD, TITLE, FOOT = 20, 8, 96, 60, 30
STRIP, CUT = 48, 3.0  # height of a strip of columns, and where they are cut off, in times of even
INK, PALE, RULE, OURS, PEER, TRUTH, LIMIT = "#1f2430", "#6b7280", "#e5e7eb", "#0f766e", "#c3cad6", "#94a3b8", "#dc2626"
BADGES = {AIM: "#0f766e", MET: "#2563eb", MISSED: "#dc2626"}


def draw(cast: Cast, lines: Sequence[Line], even: float = 100.0) -> str:
    """Give the picture; `even` is how many connections each 100 ms should have. Lines without bars are left out."""
    parts, top = [], HEAD
    for line in lines:
        if line.strips:
            body, height = _strips(cast, line, top + TITLE, even)
        else:
            body, height = _bars(cast, line, top + TITLE)
        if height:
            parts += [_title(cast, line, top), body]
            top += TITLE + height + 18
    height = top + FOOT - 18
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">'
        f'<rect width="{WIDTH}" height="{height}" rx="14" fill="#ffffff"/>'
    )
    return "\n".join(
        [
            head,
            _text(MARGIN, 48, cast.picture, 23, INK, "600"),
            _text(MARGIN, 72, cast.caption, 13, PALE),
            *parts,
            "</svg>\n",
        ]
    )


def _title(cast: Cast, line: Line, top: int) -> str:
    limits = f"must reach {number(line.must, line.unit)}"
    if line.aim is not None:
        limits += f", aim {number(line.aim, line.unit)}"
    caption = line.caption or "Less is better"
    if line.outcome != TOLD:
        caption = f"{caption}{'; ' if line.caption else ': '}{limits}"
    rule = f'<line x1="{MARGIN}" y1="{top}" x2="{WIDTH - MARGIN}" y2="{top}" stroke="{RULE}"/>'
    title = _text(MARGIN, top + 28, line.title, 15.5, INK, "600")
    return "\n".join([rule, title, _text(MARGIN, top + 47, caption, 12, PALE), _badge(cast, line, top)])


def _badge(cast: Cast, line: Line, top: int) -> str:
    if line.outcome not in BADGES:
        return ""
    text = f"{line.shown[cast.ours]}: {line.outcome}"
    return _text(WIDTH - MARGIN, top + 28, text, 13, BADGES[line.outcome], "600", "end")


def _bars(cast: Cast, line: Line, top: int) -> tuple[str, int]:
    bars = [bar for bar in line.bars if any(value for _, value, _ in line.bars)]
    marked = line.must if line.must and line.bars and line.bars[0][1] == line.values[cast.ours] else None
    scale = PLOT / max([abs(value) for _, value, _ in bars] + [marked or 0.0, 1e-9])
    rows = [top + row * (BAR + GAP) for row in range(len(bars))]
    ends = [max(abs(value), 0.0 if row else marked or 0.0) * scale for row, (_, value, _) in enumerate(bars)]
    parts = [_bar(cast, bar, y, abs(bar[1]) * scale, end) for bar, y, end in zip(bars, rows, ends, strict=True)]
    if bars and marked:
        x = LEFT + marked * scale
        parts.append(f'<path d="M{x:.1f} {top - 5}v{BAR + 10}" stroke="{LIMIT}" stroke-width="2.5"/>')
    return "\n".join(parts), len(bars) * (BAR + GAP)


def _bar(cast: Cast, bar: tuple[str, float, str], y: int, width: float, end: float) -> str:
    """One bar; what it shows stands behind `end`, where a mark may be."""
    label, _, shown = bar
    ours = label == cast.labels[cast.ours]
    colour = OURS if ours else TRUTH if label in cast.yardsticks else PEER
    weight, ink = ("600", INK) if ours else ("400", PALE)
    return "\n".join(
        [
            _text(LEFT - 12, y + 15, label, 13, ink, weight, "end"),
            f'<rect x="{LEFT}" y="{y}" width="{max(width, 2.0):.1f}" height="{BAR}" rx="3" fill="{colour}"/>',
            _text(LEFT + max(end, 2.0) + 9, y + 15, shown, 13, ink, weight),
        ]
    )


def _strips(cast: Cast, line: Line, top: int, even: float) -> tuple[str, int]:
    longest = max(map(len, line.strips.values()))
    step = PLOT / max(longest, 1)
    parts = []
    for name, tenths in line.strips.items():
        ours, floor = name == cast.ours, top + STRIP
        columns = "".join(_column(LEFT + at * step, floor, count / even, step) for at, count in enumerate(tenths))
        parts.append(_text(LEFT - 12, floor - 16, cast.labels[name], 13, INK if ours else PALE, "400", "end"))
        parts.append(f'<path d="{columns}" fill="{OURS if ours else PEER}"/>')
        level = floor - STRIP / CUT
        parts.append(f'<path d="M{LEFT} {level:.1f}h{PLOT}" stroke="{TRUTH}" stroke-dasharray="4 4"/>')
        if tenths:
            shown = f"{min(tenths)} to {max(tenths)}"
            parts.append(_text(LEFT + PLOT + 9, floor - 16, shown, 13, INK if ours else PALE, "600" if ours else "400"))
        top += STRIP + 2 * GAP
    return "\n".join(parts), len(line.strips) * (STRIP + 2 * GAP)


def _column(x: float, floor: float, share: float, step: float) -> str:
    height = min(share, CUT) * STRIP / CUT
    return f"M{x:.2f} {floor:.1f}v{-height:.2f}h{step * 0.85:.2f}v{height:.2f}z" if height else ""


def _text(x: float, y: float, text: str, size: float, colour: str, weight: str = "400", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" font-size="{size:g}" fill="{colour}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
