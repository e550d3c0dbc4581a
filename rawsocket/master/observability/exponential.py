"""Pure: an exponential histogram of OpenTelemetry from one of ours ({microseconds: count}).

A bucket holds the values above base**index, up to base**(index + 1), where base is 2**(2**-scale). The scale is the
finest one, up to 8 (buckets 0.3 % wide), with which the times fit into 160 buckets; one step less joins two buckets.
https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from rawsocket.measurement.histogram import Histogram

BUCKETS = 160  # OpenTelemetry's own default
FINEST = 8
MICROSECOND = 1e-6


@dataclass(frozen=True)
class Exponential:
    """Times in seconds. `counts` are those of the buckets from `offset` on; `zero` counts times of 0."""

    scale: int
    offset: int
    counts: tuple[int, ...]
    zero: int
    count: int
    total: float
    lowest: float
    highest: float


def exponential(histogram: Histogram) -> Exponential:
    """Return the same counts in buckets; of an empty histogram all figures are 0."""
    if not histogram:
        return Exponential(FINEST, 0, (), 0, 0, 0.0, 0.0, 0.0)
    found = [(_index(us), count) for us, count in histogram.items() if us > 0]
    indices = [index for index, _ in found] or [0]
    low, high, scale = min(indices), max(indices), FINEST
    while (high >> (FINEST - scale)) - (low >> (FINEST - scale)) >= BUCKETS:
        scale -= 1
    shift = FINEST - scale
    offset = low >> shift
    counts = [0] * ((high >> shift) - offset + 1 if found else 0)
    for index, count in found:
        counts[(index >> shift) - offset] += count
    return Exponential(
        scale,
        offset,
        tuple(counts),
        histogram.get(0, 0),
        sum(histogram.values()),
        sum(us * count for us, count in histogram.items()) * MICROSECOND,
        min(histogram) * MICROSECOND,
        max(histogram) * MICROSECOND,
    )


@lru_cache(maxsize=65_536)  # there are about 23,000 distinct times
def _index(us: int) -> int:
    """Return the bucket of a time at the finest scale."""
    return math.ceil(math.log2(us * MICROSECOND) * (1 << FINEST)) - 1
