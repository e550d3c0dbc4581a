from itertools import pairwise

import pytest

from bench.charts import line_chart
from bench.charts.line_chart import Panel, Style
from tests.support.pictures import texts

STYLES = {"select": Style("#00ff00", 3.0), "poll": Style(dash="3 3"), "epoll": Style()}
LABELS = {"select": "select", "poll": "poll", "epoll": "epoll <1>"}
SERIES = {"select": [(100, 5.0), (900, 6.0)], "poll": [(100, 7.0), (15_000, 9.0)], "epoll": [(100, 7.0), (15_000, 9.0)]}


def test_labels_at_the_ends_of_lines_do_not_overlap() -> None:
    shown = texts(line_chart.draw("Cost", "below", [Panel("CPU", "us", SERIES)], STYLES, LABELS))
    assert {"Cost", "CPU", "100", "900", "15,000"} <= set(shown)
    assert shown["select"][0] < shown["poll"][0]  # it ends earlier
    assert abs(shown["poll"][1] - shown["epoll <1>"][1]) >= line_chart.LABEL_APART


def test_panel_can_have_its_own_labels_and_a_logarithmic_axis() -> None:
    panel = Panel("CPU", "us", SERIES, log=True, labels={"poll": "poll: 3 each"})
    shown = texts(line_chart.draw("Cost", "below", [panel], STYLES, LABELS))
    assert {"poll: 3 each", "1", "10"} <= set(shown)


def test_ours_is_drawn_above_the_others() -> None:
    picture = line_chart.draw("Cost", "below", [Panel("CPU", "us", SERIES)], STYLES, LABELS)
    assert picture.rindex("#00ff00") > picture.rindex('r="1.6"')


def test_chart_without_figures_is_drawn() -> None:
    assert "Cost" in texts(line_chart.draw("Cost", "below", [Panel("CPU", "µs", {})], STYLES, LABELS))


@pytest.mark.parametrize(
    ("high", "log"), [(0.8, False), (17.0, False), (103.0, False), (100.0, True), (10_000.0, True)]
)
def test_axis_has_a_few_round_steps(high: float, log: bool) -> None:
    low, top = line_chart.y_range([high / 100, high], log)
    found = line_chart.ticks(low, top, log)
    assert 3 <= len(found) <= 8
    assert top >= high
    assert all(a < b for a, b in pairwise(found))
    assert found[-1] <= top * 1.001


def test_numbers_of_an_axis() -> None:
    assert [line_chart.short(value) for value in (15_000, 20.0, 0.5, 0.1, 0)] == ["15,000", "20", "0.5", "0.1", "0"]
