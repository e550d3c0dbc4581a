from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from rawsocket.measurement.stats_rows import BIN_AFTER, ConnectRow, Row, row_for, truncate

LIMITS = (1, 3_600_000_000, 3)
EMPTY: dict[str, list[list[int]]] = {"sent": [], "due": [], "first": [], "wait": []}


@given(st.integers(1, LIMITS[1]))
def test_truncation_agrees_with_hdrhistogram(us: int):
    histogram = HdrHistogram(*LIMITS)
    assert truncate(us) == histogram.get_lowest_equivalent_value(us)


def test_plain_time_counts_in_all_three_histograms():
    row = Row()
    row.plain += [0.001, 0.001, 0.0030004]
    row.full.append((0.5, 0.25, 0.125))
    assert row.requests == 4
    taken = row.take()
    assert taken["sent"] == [[1000, 2], [3000, 1], [249984, 1]]
    assert [dict(map(tuple, taken[kind])).get(1000) for kind in taken] == [2, 2, 2, None]
    assert row.requests == 4


def test_connect_row_has_only_one_histogram():
    for name in ("connect", "reconnect"):
        row = row_for(name)
        assert isinstance(row, ConnectRow)
        row.plain.append(0.001)
        assert row.take() == {**EMPTY, "sent": [[1000, 1]]}
    assert not isinstance(row_for("message"), ConnectRow)


def test_take_returns_each_time_once_and_keeps_the_request_count():
    row = Row()
    row.plain.append(0.001)
    row.failures["closed"] = 2
    row.take()
    assert row.take() == EMPTY
    assert row.requests == 3


@given(st.integers(max_value=-1))
def test_time_below_zero_counts_as_zero(us: int):
    assert truncate(us) == 0


@given(st.floats(-1e6, 0, exclude_max=True))
def test_no_negative_time_gets_into_a_row(seconds: float):
    row = Row()
    row.add((seconds, seconds, seconds), 1)
    row.plain.append(seconds)
    row.add_wait(seconds, 1)
    assert row.take() == {"sent": [[0, 2]], "due": [[0, 2]], "first": [[0, 2]], "wait": [[0, 1]]}


def test_event_without_a_time_counts_in_no_histogram():
    row = Row()
    row.add_count(20)
    row.add_count(22)
    assert (row.requests, row.bytes) == (2, 42)
    assert row.take() == EMPTY
    assert row.requests == 2


def test_wait_counts_in_a_histogram_of_its_own():
    row = Row()
    row.add((0.002, 0.001, 0.001), 10)
    row.add_wait(0.0005, 20)
    assert (row.requests, row.bytes) == (2, 30)
    assert row.take() == {"sent": [[1000, 1]], "due": [[2000, 1]], "first": [[1000, 1]], "wait": [[500, 1]]}
    assert (row.requests, row.take()) == (2, EMPTY)


def test_row_bins_its_waits_before_it_grows_large():
    row = Row()
    for _ in range(BIN_AFTER + 1):
        row.add_wait(0.001, 5)
    assert (len(row.waits), row.requests) == (1, BIN_AFTER + 1)
