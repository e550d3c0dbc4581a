import pytest

from rawsocket.master.observability.exponential import BUCKETS, FINEST, Exponential, exponential

HOUR_US = 3_600_000_000


def bounds(found: Exponential, at: int) -> tuple[float, float]:
    """The lower (excluded) and upper (included) bound of a bucket in microseconds."""
    base = 2 ** (2.0**-found.scale)
    return base ** (found.offset + at) * 1e6, base ** (found.offset + at + 1) * 1e6


@pytest.mark.parametrize(
    "histogram",
    [
        {250: 3},
        {200: 5, 201: 1, 230: 2},
        {1: 1, 1000: 7, HOUR_US: 2},
        {15_625: 1, 31_250: 1, 62_500: 1, 1_000_000: 1, 2_000_000: 1},  # powers of two: upper bounds
        {us: 1 + us % 3 for us in range(1, 2048)},
    ],
)
def test_each_time_is_in_the_bucket_that_spans_it(histogram: dict[int, int]) -> None:
    found = exponential(histogram)
    assert len(found.counts) <= BUCKETS
    assert sum(found.counts) == found.count == sum(histogram.values())
    for at, count in enumerate(found.counts):
        low, high = bounds(found, at)
        within = [n for us, n in histogram.items() if low * (1 + 1e-9) < us <= high * (1 + 1e-9)]
        assert sum(within) == count


def test_scale_is_the_finest_that_fits() -> None:
    assert exponential({1000: 1, 1001: 1}).scale == FINEST
    assert exponential({1: 1, HOUR_US: 1}).scale == 2


def test_figures_are_in_seconds_and_zero_has_its_own_count() -> None:
    found = exponential({0: 2, 500_000: 1, 1_500_000: 2})
    assert (found.zero, found.count, found.total) == (2, 5, pytest.approx(3.5))
    assert (found.lowest, found.highest) == (0.0, pytest.approx(1.5))
    assert sum(found.counts) == 3


def test_histogram_without_times_above_zero() -> None:
    assert exponential({}) == Exponential(FINEST, 0, (), 0, 0, 0.0, 0.0, 0.0)
    assert (exponential({0: 4}).zero, exponential({0: 4}).counts) == (4, ())
