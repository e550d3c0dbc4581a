"""Pure: latency histograms as {microseconds: count}, and their quantiles by HdrHistogram's rules.

Strategy: counts are kept sparse, by the lowest value that HdrHistogram(1, 3_600_000_000, 3) treats as equal to the
measured one; workers report them in this form. Merging adds counts, so nothing is lost with any number of workers.
Figures in an artefact or a verdict come from HdrHistogram's own library; the figures of each second come from the
sparse form, which agrees with the library to the last digit and costs a tenth.

Rules, all HdrHistogram's:

- The value at a quantile is that of the rank `total * q`, rounded to the nearest, at least 1.
- It is reported as the highest value that counts as equal to it: 300,000 us are kept as 299,776 and reported as
  300,031. Up to 2,047 us every microsecond is kept.
"""

from collections.abc import Iterable, Mapping, MutableMapping

from hdrh.histogram import HdrHistogram

Histogram = Mapping[int, int]
LOWEST_US, HIGHEST_US, DIGITS = 1, 3_600_000_000, 3  # 1 us to 1 h, to three significant digits
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99_9": 0.999, "max": 1.0}


def new() -> HdrHistogram:
    """Return an empty histogram of the library."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)


_EMPTY = new()
# A value over an hour counts as an hour: the library would drop it.
_TOP = _EMPTY.get_lowest_equivalent_value(HIGHEST_US)


def add(into: MutableMapping[int, int], pairs: Iterable[Iterable[int]]) -> None:
    """Add `[microseconds, count]` pairs, as a worker's report carries them, to `into`; below zero counts as 0."""
    for microseconds, count in pairs:
        key = max(0, microseconds) if microseconds < _TOP else _TOP
        into[key] = into.get(key, 0) + count


def merged(histograms: Iterable[Histogram]) -> dict[int, int]:
    """Return the sum of the histograms."""
    total: dict[int, int] = {}
    for histogram in histograms:
        add(total, histogram.items())
    return total


def library(histogram: Histogram) -> HdrHistogram:
    """Return the same counts as a histogram of the library; about 1.5 us for each distinct value."""
    whole = new()
    for value, count in histogram.items():
        whole.record_value(value, count)
    return whole


def quantile(histogram: Histogram, q: float) -> float | None:
    """Return the value at quantile `q` in milliseconds, None if nothing was counted."""
    return quantiles(histogram, [q])[0]


def quantiles(histogram: Histogram, wanted: Iterable[float]) -> list[float | None]:
    """Return several quantiles (rising) in one walk, in milliseconds; None each if nothing was counted."""
    total = sum(histogram.values())
    # The library's own expression, so that rounding errors of floats are the same, too.
    ranks = [max(1, int(percent(q) * total / 100 + 0.5)) for q in wanted]
    if not total:
        return [None] * len(ranks)
    found: list[float | None] = []
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value]
        while len(found) < len(ranks) and seen >= ranks[len(found)]:
            found.append(_EMPTY.get_highest_equivalent_value(value) / 1000)
    return found


def summary(histogram: Histogram) -> dict[str, float] | None:
    """Return {p50, p95, p99, p99_9, max} in milliseconds by the library, or None if nothing was counted."""
    if not any(histogram.values()):
        return None
    found = library(histogram).get_percentile_to_value_dict([percent(q) for q in QUANTILES.values()])
    return {name: found[percent(q)] / 1000 for name, q in QUANTILES.items()}


def percent(q: float) -> float:
    """Return a quantile as HdrHistogram's percentile: 99.9 for 0.999."""
    return round(q * 100, 9)
