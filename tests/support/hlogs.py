"""Reads latency.hlog with the standard reader of HdrHistogram's library."""

from pathlib import Path

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader


def intervals(path: Path) -> list[HdrHistogram]:
    """Return each line of the log as a histogram with its tag and its start and end (ms since the epoch)."""
    reader = HistogramLogReader(str(path), None)
    try:
        return list(iter(reader.get_next_interval_histogram, None))
    finally:
        reader.close()


def read(path: Path) -> dict[str, HdrHistogram]:
    """Return the sum of each tag's lines."""
    sums: dict[str, HdrHistogram] = {}
    for interval in intervals(path):
        sums.setdefault(interval.get_tag(), HdrHistogram(1, 3_600_000_000, 3)).add(interval)
    return sums
