import pytest

from rawsocket.measurement.latencies import KINDS, Latencies, by_kind, meaning
from rawsocket.measurement.rows import CONNECTION_ROWS
from tests.support.reports import report

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
    ],
)
def test_what_a_list_of_a_row_means(name: str, reported: str, kind: str | None) -> None:
    assert meaning(name, reported) == kind


def test_rows_of_connections_are_never_messages() -> None:
    assert {meaning(name, "due") for name in CONNECTION_ROWS} == {None}


def test_each_kind_is_kept_apart() -> None:
    latencies = Latencies()
    latencies.take(STALLED["rows"], steady=False)
    whole = {"connect": {90: 1}, "from_sent": {300: 2}, "from_due": {2000: 2}, "first_byte": {250: 2}}
    assert by_kind(latencies.run) == whole
    assert latencies.fresh() == whole
    assert latencies.fresh() == {kind: {} for kind in KINDS}
    assert latencies.steady == {}


def test_rows_are_kept_apart_and_summed_by_kind() -> None:
    latencies = Latencies()
    latencies.take(report(rows={"a": {100: 1}, "b": {100: 2, 700: 1}})["rows"], steady=True)
    latencies.take(report(rows={"b": {700: 4}})["rows"], steady=True)
    assert latencies.run["TCP", "b"]["due"] == {100: 2, 700: 5}
    assert by_kind(latencies.steady)["from_due"] == {100: 3, 700: 5}


def test_a_new_window_forgets_the_old_one_and_a_new_run_everything() -> None:
    latencies = Latencies()
    latencies.take(STALLED["rows"], steady=True)
    latencies.open_window()
    assert latencies.steady == {}
    assert latencies.run
    latencies.begin()
    assert latencies.run == {}
    assert latencies.fresh()["from_due"] == {}
