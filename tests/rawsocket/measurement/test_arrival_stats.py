import pytest

from rawsocket.master.reports import console
from rawsocket.measurement.arrival_stats import arrivals_per_s, storms
from rawsocket.measurement.report import ArrivalTimes, Report, StormReport
from tests.support.reports import report


def reported(count: int = 0, first: float = 0.0, last: float = 0.0, *storms: StormReport) -> Report:
    return report(arrivals=ArrivalTimes(count, first, last), storms=storms)


@pytest.mark.parametrize(
    ("reports", "rate"),
    [
        ([], None),
        ([reported(1, 5.0, 5.0)], None),
        ([reported(101, 5.0, 6.0)], 100.0),
        ([reported(101, 5.0, 6.0), reported(51, 100.0, 101.0), reported(1, 7.0, 7.0)], 150.0),
    ],
)
def test_arrival_rate_is_the_sum_of_the_workers_rates(reports: list[Report], rate: float | None):
    assert arrivals_per_s(reports) == rate


def test_storm_ends_when_the_last_connection_on_any_worker_is_back():
    workers = [
        reported(0, 0, 0, StormReport(60, 3, 3, 0.5), StormReport(120, 3, 2, 1.0)),
        reported(0, 0, 0, StormReport(60, 2, 2, 0.75), StormReport(120, 2, 2, 2.0)),
    ]
    assert storms(workers) == [
        {"time_utc": "1970-01-01T00:01:00Z", "dropped": 5, "back": 5, "back_s": 0.75},
        {"time_utc": "1970-01-01T00:02:00Z", "dropped": 5, "back": 4, "back_s": None},
    ]


def test_console_has_a_line_for_each_storm():
    workers = [reported(0, 0, 0, StormReport(60, 3, 3, 0.5), StormReport(120, 3, 2, 1.0))]
    assert console.storms(storms(workers)) == [
        ("storm at 00:01:00 UTC: dropped / back", "3 / 3, all held again after 0.500 s"),
        ("storm at 00:02:00 UTC: dropped / back", "3 / 2, never all"),
    ]
