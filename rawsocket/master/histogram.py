"""Pure: sparse histograms, {microseconds truncated to three significant digits: count}.

They are merged by adding counts, so a percentile over workers is exact to the three digits; nothing is
averaged.
"""

from collections.abc import Iterable, Mapping, MutableMapping

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99_9": 0.999, "max": 1.0}


def add(into: MutableMapping[int, int], pairs: Iterable[Iterable[int]]) -> None:
    """Add `[microseconds, count]` pairs, as a worker's report carries them, to `into`."""
    for microseconds, count in pairs:
        into[microseconds] = into.get(microseconds, 0) + count


def merged(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Give one histogram of them all."""
    total: dict[int, int] = {}
    for histogram in histograms:
        add(total, histogram.items())
    return total


def quantile(histogram: Mapping[int, int], q: float) -> float | None:
    """Give the smallest value, in milliseconds, that at least the share `q` of all values does not exceed."""
    return (quantiles(histogram, [q]) or [None])[0]


def quantiles(histogram: Mapping[int, int], wanted: Iterable[float]) -> list[float | None]:
    """Give several quantiles (rising) in one walk, in milliseconds; None each where nothing was counted."""
    total = sum(histogram.values())
    levels = [max(1, -int(-(total * q) // 1)) for q in wanted]
    if not total:
        return [None] * len(levels)
    found: list[float | None] = []
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value]
        while len(found) < len(levels) and seen >= levels[len(found)]:
            found.append(value / 1000)
    return found


def summary(histogram: Mapping[int, int]) -> dict[str, float] | None:
    """Give {p50, p95, p99, p99_9, max} in milliseconds, or None where nothing was counted."""
    if not histogram:
        return None
    values = quantiles(histogram, QUANTILES.values())
    return {name: value for name, value in zip(QUANTILES, values, strict=True) if value is not None}
