from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from rawsocket.measurement.rows import ConnectRow, Row, row_for, truncate

LIMITS = (1, 3_600_000_000, 3)


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
    assert [dict(map(tuple, taken[kind])).get(1000) for kind in taken] == [2, 2, 2]
    assert row.requests == 4


def test_connect_row_has_only_one_histogram():
    for name in ("connect", "reconnect"):
        row = row_for(name)
        assert isinstance(row, ConnectRow)
        row.plain.append(0.001)
        assert row.take() == {"sent": [[1000, 1]], "due": [], "first": []}
    assert not isinstance(row_for("message"), ConnectRow)


def test_take_returns_each_time_once_and_keeps_the_request_count():
    row = Row()
    row.plain.append(0.001)
    row.failures["closed"] = 2
    row.take()
    assert row.take() == {"sent": [], "due": [], "first": []}
    assert row.requests == 3


def test_time_of_a_message_that_came_before_it_was_asked_for_is_0():
    row = Row()
    row.add((-0.002, -0.002, -0.002), 4)
    assert row.take() == {"sent": [[0, 1]], "due": [[0, 1]], "first": [[0, 1]]}
