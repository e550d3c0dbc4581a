import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from bench.charts import chart
from bench.charts.chart import Column, Panel, Style

STYLES = {"select": Style("#00ff00", 3.0), "poll": Style(dash="3 3"), "epoll": Style()}
LABELS = {"select": "select", "poll": "poll", "epoll": "epoll <1>"}
SERIES = {"select": [(100, 5.0), (900, 6.0)], "poll": [(100, 7.0), (15_000, 9.0)], "epoll": [(100, 7.0), (15_000, 9.0)]}


def _texts(picture: str) -> dict[str, tuple[float, float]]:
    return {e.text or "": (float(e.get("x", 0)), float(e.get("y", 0))) for e in ET.fromstring(picture).iter() if e.text}


def test_lines_end_with_their_names_which_do_not_lie_upon_each_other() -> None:
    texts = _texts(chart.lines("Cost", "below", [Panel("CPU", "us", SERIES)], STYLES, LABELS))
    assert {"Cost", "CPU", "100", "900", "15,000"} <= set(texts)
    assert texts["select"][0] < texts["poll"][0]  # it ends earlier
    assert abs(texts["poll"][1] - texts["epoll <1>"][1]) >= chart.LABEL_APART


def test_a_panel_may_have_names_of_its_own_and_a_logarithmic_axis() -> None:
    panel = Panel("CPU", "us", SERIES, log=True, labels={"poll": "poll: 3 each"})
    texts = _texts(chart.lines("Cost", "below", [panel], STYLES, LABELS))
    assert {"poll: 3 each", "1", "10"} <= set(texts)


def test_ours_is_drawn_above_the_others() -> None:
    picture = chart.lines("Cost", "below", [Panel("CPU", "us", SERIES)], STYLES, LABELS)
    assert picture.rindex("#00ff00") > picture.rindex('r="1.6"')


def test_nothing_measured_can_be_drawn() -> None:
    assert "Cost" in _texts(chart.lines("Cost", "below", [Panel("CPU", "µs", {})], STYLES, LABELS))


@pytest.mark.parametrize(
    ("high", "log"), [(0.8, False), (17.0, False), (103.0, False), (100.0, True), (10_000.0, True)]
)
def test_an_axis_has_some_round_steps(high: float, log: bool) -> None:
    low, top = chart.y_range([high / 100, high], log)
    found = chart.ticks(low, top, log)
    assert 3 <= len(found) <= 8
    assert top >= high
    assert all(a < b for a, b in pairwise(found))
    assert found[-1] <= top * 1.001


def test_numbers_of_an_axis() -> None:
    assert [chart.short(value) for value in (15_000, 20.0, 0.5, 0.1, 0)] == ["15,000", "20", "0.5", "0.1", "0"]


def test_a_table_of_bars() -> None:
    column = Column(("memory", "each"), [10.0, None, 2000.0], ["10 B", "-", "2 KB"])
    picture = chart.bars("Story", "below", ["select", "sync", "prefork"], [True, False, False], [column])
    assert {"memory", "each", "select", "10 B", "-", "2 KB"} <= set(_texts(picture))
    assert picture.count(chart.OURS) == 1
    assert picture.count('stroke="#ffffff"') == 1  # the one that is far longer is cut off


@pytest.mark.parametrize(
    ("values", "whole"), [([1.0, 2.0], 2.0), ([1.0, 2.0, 9.0], 2.0), ([1.0, 2.0, 90.0, 2000.0], 2.0), ([0.0, 5.0], 5.0)]
)
def test_the_longest_bar(values: list[float], whole: float) -> None:
    assert chart.limit(values, True) == whole
    assert chart.limit(values, False) == max(values)


def test_no_bar_at_all() -> None:
    assert chart.limit([], True) > 0
