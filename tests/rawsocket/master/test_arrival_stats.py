from typing import Any

import pytest

from rawsocket.master.arrival_stats import achieved, storms
from rawsocket.master.reports import console as progress


def report(count: int = 0, first: float = 0.0, last: float = 0.0, *storm: list[Any]) -> dict[str, Any]:
    return {"arrivals": {"count": count, "first_s": first, "last_s": last}, "storms": list(storm)}


@pytest.mark.parametrize(
    ("reports", "rate"),
    [
        ([], None),
        ([report(1, 5.0, 5.0)], None),
        ([report(101, 5.0, 6.0)], 100.0),
        ([report(101, 5.0, 6.0), report(51, 100.0, 101.0), report(1, 7.0, 7.0)], 150.0),
    ],
)
def test_the_rate_achieved_is_each_workers_own_added_up(reports: list[dict[str, Any]], rate: float | None):
    assert achieved(reports) == rate


def test_a_storm_is_over_when_the_last_on_any_worker_is_back():
    workers = [report(0, 0, 0, [60, 3, 3, 0.5], [120, 3, 2, 1.0]), report(0, 0, 0, [60, 2, 2, 0.75], [120, 2, 2, 2.0])]
    assert storms(workers) == [
        {"time_utc": "1970-01-01T00:01:00Z", "dropped": 5, "back": 5, "back_s": 0.75},
        {"time_utc": "1970-01-01T00:02:00Z", "dropped": 5, "back": 4, "back_s": None},
    ]


def test_each_storm_is_a_line_for_the_reader():
    workers = [report(0, 0, 0, [60, 3, 3, 0.5], [120, 3, 2, 1.0])]
    assert progress.storms(storms(workers)) == [
        ("storm at 00:01:00 UTC: dropped / back", "3 / 3, all held again after 0.500 s"),
        ("storm at 00:02:00 UTC: dropped / back", "3 / 2, never all"),
    ]
