from dataclasses import replace

import pytest

from rawsocket.measurement.latencies import KINDS, Latencies, kind_of, slowest_reply_us
from rawsocket.measurement.overdue import Waiting
from rawsocket.measurement.report import RowReport, RowTimes
from rawsocket.measurement.stats_rows import CONNECTION_ROWS
from tests.support.reports import once, report

ROWS = {"message": {300: 2}, "connect": {90: 1}}
STALLED = report(rows=ROWS, due={"message": {2000: 2}}, first={"message": {250: 2}})


@pytest.mark.parametrize(
    ("name", "reported", "kind"),
    [
        ("connect", "sent", "connect"),
        ("reconnect", "sent", "connect"),
        ("connect", "due", None),
        ("drop", "sent", None),
        ("message", "sent", "from_sent"),
        ("message", "due", "from_due"),
        ("message", "first", "first_byte"),
        ("message", "wait", None),
    ],
)
def test_each_list_of_a_row_has_a_kind(name: str, reported: str, kind: str | None) -> None:
    assert kind_of(name, reported) == kind


def test_connection_rows_never_count_as_messages() -> None:
    assert {kind_of(name, "due") for name in CONNECTION_ROWS} == {None}


def test_each_kind_has_its_own_histogram() -> None:
    latencies = Latencies()
    assert latencies.by_kind() == {kind: {} for kind in KINDS}
    latencies.add(STALLED.rows)
    whole = {"connect": {90: 1}, "from_sent": {300: 2}, "from_due": {2000: 2}, "first_byte": {250: 2}}
    assert latencies.by_kind() == whole


def test_rows_have_their_own_histograms_and_a_sum_by_kind() -> None:
    latencies = Latencies()
    latencies.add(report(rows={"a": {100: 1}, "b": {100: 2, 700: 1}}).rows)
    latencies.add(report(rows={"b": {700: 4}}).rows)
    assert latencies.rows["TCP", "b"]["due"] == {100: 2, 700: 5}
    assert latencies.by_kind()["from_due"] == {100: 3, 700: 5}


def test_waits_are_in_their_row_and_in_no_kind() -> None:
    latencies = Latencies()
    latencies.add([RowReport("TCP", "news", 3, times=RowTimes(wait=[[5_000, 3]]))])
    assert latencies.rows["TCP", "news"]["wait"] == {5000: 3}
    assert latencies.by_kind() == {kind: {} for kind in KINDS}


def test_rows_that_are_not_judged_are_in_no_kind() -> None:
    latencies = Latencies()
    latencies.add([replace(row, judged=False) for row in report(rows={"login": {100: 2}}).rows])
    latencies.add(report(rows={"message": {300: 2}}).rows)
    latencies.add([RowReport("MEASURED", "deal", 1, times=RowTimes(due=[[700, 1]]))])
    whole = latencies.by_kind()
    assert (whole["from_due"], whole["from_sent"]) == ({300: 2, 700: 1}, {300: 2})
    assert latencies.apart() == {"deal": {700: 1}, "login": {100: 2}}
    assert latencies.by_kind(without=["deal"])["from_due"] == {300: 2}
    assert latencies.due_of("login") == {100: 2}


def test_overdue_messages_count_only_from_due() -> None:
    latencies = Latencies()
    latencies.add_overdue(report(waiting=[Waiting("message", 0.001, once([0.001, 0.001]))]).overdue)
    assert latencies.by_kind() == {"connect": {}, "from_sent": {}, "from_due": {1000: 2}, "first_byte": {}}


def test_slowest_reply_ignores_connects() -> None:
    assert slowest_reply_us(STALLED.rows) == 300
    assert slowest_reply_us(report(rows={"connect": {90: 1}}).rows) == 0
