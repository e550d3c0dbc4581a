from rawsocket.measurement.overdue import Waiting, Waits
from rawsocket.measurement.report import Overdue
from rawsocket.measurement.stats_rows import truncate
from tests.support.reports import once


def test_report_has_ages_by_row_and_the_messages_behind_each_owed_reply() -> None:
    waits = Waits()
    waits.add(
        [
            Waiting("message", 8.0, once([8.5, 7.5, 6.5])),
            Waiting("", 2.0, once([2.25])),
            Waiting("visit", 8.0, once([1.0])),
        ],
        "message",
    )
    report = waits.report()
    assert (report.count, report.oldest_s) == (5, 8.5)
    ages = [truncate(us) for us in (8_500_000, 7_500_000, 6_500_000, 2_250_000)]
    assert report.rows == {"message": [[us, 1] for us in ages], "visit": [[truncate(1_000_000), 1]]}
    assert report.owed == [[truncate(8_000_000), 4], [truncate(2_000_000), 1]]


def test_report_without_overdue_messages() -> None:
    waits = Waits()
    waits.add([], "message")
    assert waits.report() == Overdue(count=0, oldest_s=0.0, rows={}, owed=[])
