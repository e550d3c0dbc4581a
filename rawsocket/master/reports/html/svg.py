"""Pure: the common parts of the report's pictures: a frame, a scale, gridlines with their values, a line.

Lengths are in the picture's own units; texts and grids take the colours of the page.
"""

from collections.abc import Callable, Iterable

Scale = Callable[[float], float]


def picture(width: int, height: int, label: str, parts: Iterable[str]) -> str:
    """Return the picture; screen readers read out `label`."""
    return "".join(
        (
            f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}" '
            'xmlns="http://www.w3.org/2000/svg" style="max-width:100%;height:auto" '
            'font-family="sans-serif" font-size="12" fill="currentColor">',
            *parts,
            "</svg>",
        )
    )


def scale(low: float, high: float, start: float, end: float) -> Scale:
    """Return the function that maps values from low to high to positions from start to end."""
    return lambda value: round(start + (value - low) / (high - low) * (end - start), 1)


def gridline(left: int, right: int, y: float, text: str) -> str:
    """Draw a horizontal line from left to right, with its value before it."""
    return (
        f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="currentColor" stroke-opacity="0.15"/>'
        f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{text}</text>'
    )


def path(points: Iterable[tuple[float, float]], x: Scale, y: Scale) -> str:
    """Return the points of a line, from values to places."""
    return " ".join(f"{x(at)},{y(value)}" for at, value in points)


def polyline(points: str, color: str, style: str) -> str:
    """Draw a line through the points."""
    return f'<polyline fill="none" stroke="{color}" {style} points="{points}"/>'
