"""Pure: the chart of held connections over time as one static SVG, for the report. The page has held_chart.js."""

import math
from collections.abc import Sequence

from rawsocket.master.reports.svg import gridline, path, picture, polyline, scale
from rawsocket.master.timeline import Sample

WIDTH, HEIGHT = 900, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 40
HELD, SERVER = "#12a36d", "#e08a1e"


def svg(samples: Sequence[Sample]) -> str:
    """Draw the workers' count (full line) and the server's own (dashed)."""
    held = [(sample.elapsed_s, sample.held) for sample in samples]
    server = [(sample.elapsed_s, sample.server_held) for sample in samples if sample.server_held is not None]
    end = max([x for x, _ in held] or [1.0]) or 1.0
    top = nice_ceiling(max([y for _, y in held + server] or [1]))
    x, y = scale(0, end, LEFT, WIDTH - RIGHT), scale(0, top, HEIGHT - BOTTOM, TOP)
    return picture(
        WIDTH,
        HEIGHT,
        "Held connections over time",
        (
            *(gridline(LEFT, WIDTH - RIGHT, y(step), f"{step:g}") for step in steps(top)),
            *(_tick(x(step), step) for step in steps(end)),
            polyline(path(held, x, y), HELD, 'stroke-width="2.5"'),
            polyline(path(server, x, y), SERVER, 'stroke-width="2" stroke-dasharray="6 4"'),
            _legend(LEFT, HELD, f"held by the workers: peak {max([v for _, v in held] or [0])}"),
            _legend(LEFT + 320, SERVER, "the server's own count" if server else "the server's own count: unknown"),
        ),
    )


def nice_ceiling(value: float) -> float:
    """Return the next of 1, 2, 2.5, 5, 10 times a power of ten that is not below `value` (at least 1)."""
    power: float = 10 ** math.floor(math.log10(max(value, 1)))
    return next(float(step * power) for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def steps(end: float) -> list[float]:
    """Return at most six evenly spaced axis values from 0 to `end`."""
    step = nice_ceiling(end / 5)
    return [step * i for i in range(int(end / step) + 1)]


def _tick(x: float, value: float) -> str:
    return f'<text x="{x}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{value:g} s</text>'


def _legend(x: int, color: str, text: str) -> str:
    return f'<rect x="{x}" y="12" width="18" height="4" fill="{color}"/><text x="{x + 26}" y="19">{text}</text>'
