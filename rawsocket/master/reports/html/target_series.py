"""Pure: the target's own metrics, its CPU and memory in a report: a line for each, with a small picture over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rawsocket.master.observability import target_series
from rawsocket.master.reports.html.words import UNKNOWN

POINTS = 120  # of a picture
# Columns of timeline.csv: their name for readers, and its unit.
_USAGE = {"server_cpu_share": ("CPU, in % of a core", 0.01), "server_memory_bytes": ("memory, in MB", 1e6)}
HIGH = 20  # its height; it is as wide as it has points


@dataclass(frozen=True)
class SeriesLine:
    """A series as texts; `path` is its picture, of SVG, and `points` the width of that."""

    name: str
    lowest: str
    mean: str
    highest: str
    last: str
    path: str
    points: int


def lines(columns: Mapping[str, Sequence[float | None]]) -> list[SeriesLine]:
    """Return a line for each series; a second without a value is a gap in the picture."""
    return [_line(one, values) for one, values in zip(target_series.summary(columns), columns.values(), strict=True)]


def usage_lines(columns: Mapping[str, Sequence[float | None]]) -> list[SeriesLine]:
    """Return a line for each of CPU and memory of a server, in units for readers."""
    found = {}
    for name, values in columns.items():
        title, unit = _USAGE[name]
        found[title] = [None if value is None else value / unit for value in values]
    return lines(found)


def _line(one: Mapping[str, float | str | None], values: Sequence[float | None]) -> SeriesLine:
    lowest, mean, highest, last = (_number(one[key]) for key in ("min", "mean", "max", "now"))
    path, points = _picture(values)
    return SeriesLine(str(one["name"]), lowest, mean, highest, last, path, points)


def _number(value: float | str | None) -> str:
    if not isinstance(value, int | float):
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _picture(values: Sequence[float | None]) -> tuple[str, int]:
    step = -(-len(values) // POINTS) or 1
    picked = values[::-1][::step][::-1]
    there = [value for value in picked if value is not None]
    low, span = (min(there), max(there) - min(there)) if there else (0.0, 0.0)
    path, pen = "", "M"
    for at, value in enumerate(picked):
        if value is None:
            pen = "M"
            continue
        height = HIGH - HIGH * (value - low) / span if span else HIGH / 2
        path, pen = f"{path}{pen}{at} {height:.1f}", "L"
    return path, max(1, len(picked) - 1)
