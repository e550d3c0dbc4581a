import random

import pytest

from rawsocket.master import histogram


def test_adding_keeps_every_count() -> None:
    into = {100: 1}
    histogram.add(into, [[100, 2], [250, 1]])
    assert into == {100: 3, 250: 1}


def test_merging_leaves_the_parts_alone() -> None:
    parts = [{1: 1}, {1: 2, 5: 1}]
    assert histogram.merged(parts) == {1: 3, 5: 1}
    assert parts == [{1: 1}, {1: 2, 5: 1}]


@pytest.mark.parametrize(
    ("q", "ms"), [(0.5, 0.005), (0.9, 0.009), (0.91, 0.010), (0.99, 0.010), (1.0, 0.010), (0.001, 0.001)]
)
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(q: float, ms: float) -> None:
    assert histogram.quantile(dict.fromkeys(range(1, 11), 1), q) == ms


def test_quantiles_agree_with_sorted_values() -> None:
    values = sorted(random.Random(7).choices(range(1, 400), k=1000))
    counts: dict[int, int] = {}
    histogram.add(counts, [[value, 1] for value in values])
    assert histogram.quantiles(counts, (0.5, 0.95, 0.99, 1.0)) == [values[i] / 1000 for i in (499, 949, 989, 999)]


def test_figures_below_a_millisecond_survive() -> None:
    assert histogram.summary({37: 99, 412: 1}) == {
        "p50": 0.037,
        "p95": 0.037,
        "p99": 0.037,
        "p99_9": 0.412,
        "max": 0.412,
    }


def test_nothing_counted_is_unknown_not_zero() -> None:
    assert histogram.quantile({}, 0.99) is None
    assert histogram.quantiles({}, (0.5, 0.9)) == [None, None]
    assert histogram.summary({}) is None
