import random

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import example, given
from hypothesis import strategies as st

from rawsocket.measurement import histogram
from rawsocket.measurement.stats_rows import truncate

TIMES = st.lists(st.integers(0, histogram.HIGHEST_US), min_size=1, max_size=300)
QUANTILES = (0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0)


def counted(times: list[int]) -> dict[int, int]:
    """The counts that a worker reports for these microseconds."""
    counts: dict[int, int] = {}
    histogram.add(counts, [[truncate(us), 1] for us in times])
    return counts


def recorded(times: list[int]) -> HdrHistogram:
    """The library's histogram with each time recorded singly."""
    whole = histogram.new()
    for us in times:
        assert whole.record_value(us)
    return whole


def test_adding_keeps_every_count() -> None:
    into = {100: 1}
    histogram.add(into, [[100, 2], [250, 1]])
    assert into == {100: 3, 250: 1}


def test_merging_does_not_change_the_parts() -> None:
    parts = [{1: 1}, {1: 2, 5: 1}]
    assert histogram.merged(parts) == {1: 3, 5: 1}
    assert parts == [{1: 1}, {1: 2, 5: 1}]


@given(TIMES)
def test_reported_counts_equal_those_of_the_library(times: list[int]) -> None:
    assert histogram.library(counted(times)).equals(recorded(times))


@given(st.lists(TIMES, min_size=1, max_size=5))
def test_merging_workers_loses_nothing(workers: list[list[int]]) -> None:
    whole = histogram.merged(map(counted, workers))
    assert histogram.library(whole).equals(recorded([us for times in workers for us in times]))


@given(TIMES)
@example([0])
@example([2047, 2048, 2049])
@example([histogram.HIGHEST_US] * 3)
def test_sparse_quantiles_equal_those_of_the_library(times: list[int]) -> None:
    theirs = recorded(times)
    ours = histogram.quantiles(counted(times), QUANTILES)
    assert ours == [theirs.get_value_at_percentile(histogram.percent(q)) / 1000 for q in QUANTILES]
    assert ours[-1] == theirs.get_max_value() / 1000


@given(st.dictionaries(st.integers(0, 5000).map(truncate), st.integers(1, 10**7), min_size=1))
def test_summary_agrees_with_sparse_quantiles_at_any_count(counts: dict[int, int]) -> None:
    summary = histogram.summary(counts)
    assert summary
    assert list(summary.values()) == histogram.quantiles(counts, histogram.QUANTILES.values())
    assert list(summary) == ["p50", "p95", "p99", "p99_9", "max"]


def test_time_above_one_hour_counts_as_one_hour() -> None:
    counts: dict[int, int] = {}
    histogram.add(counts, [[truncate(2 * histogram.HIGHEST_US), 3], [7, 1]])
    assert histogram.library(counts).get_total_count() == 4
    assert histogram.quantile(counts, 1.0) == pytest.approx(histogram.HIGHEST_US / 1000, rel=0.001)


@pytest.mark.parametrize(("q", "ms"), [(0.5, 0.005), (0.9, 0.009), (0.99, 0.010), (1.0, 0.010), (0.001, 0.001)])
def test_a_quantile_is_the_value_of_its_rank(q: float, ms: float) -> None:
    assert histogram.quantile(dict.fromkeys(range(1, 11), 1), q) == ms


def test_quantiles_agree_with_sorted_values() -> None:
    values = sorted(random.Random(7).choices(range(1, 400), k=1000))
    counts = counted(values)
    assert histogram.quantiles(counts, (0.5, 0.95, 0.99, 1.0)) == [values[i] / 1000 for i in (499, 949, 989, 999)]


def test_summary_keeps_figures_below_a_millisecond() -> None:
    summary = {"p50": 0.037, "p95": 0.037, "p99": 0.037, "p99_9": 0.412, "max": 0.412}
    assert histogram.summary({37: 99, 412: 1}) == summary


def test_quantile_of_an_empty_histogram_is_unknown() -> None:
    assert histogram.quantile({}, 0.99) is None
    assert histogram.quantiles({}, (0.5, 0.9)) == [None, None]
    assert histogram.summary({}) is None


def test_negative_time_counts_as_none() -> None:
    """A row of another version, or of a clock that went back, must not stop the master's clock."""
    found: dict[int, int] = {}
    histogram.add(found, [[-5_000, 2], [-1, 1], [7, 1]])
    assert found == {0: 3, 7: 1}
    assert histogram.quantile(found, 0.5) == 0.0


def test_values_that_were_never_counted_have_no_summary() -> None:
    assert histogram.summary({5: 0}) is None
