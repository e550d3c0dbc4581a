import math
import xml.etree.ElementTree as ElementTree

import pytest

from rawsocket.master.reports.html import latency_chart

QUICK, STALLED = {300: 10_000}, {300: 9_000, 1_800_000: 1_000}


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


def test_chart_of_a_stall_has_both_figures_and_all_axis_labels() -> None:
    texts = _texts(latency_chart.svg(STALLED, QUICK))
    assert "from due, what a caller feels: 99 % within 1.8 s" in texts
    assert "from sent: 99 % within 0.3 ms" in texts
    assert {"0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "1 of 1,000 is slower"} <= set(texts)
    assert {"0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s"} <= set(texts)
    assert "99.999 %" not in texts  # too few messages: 10,000


def test_points_end_at_the_slowest_message() -> None:
    points = latency_chart.points({100: 999, 5000: 1}, 3.0)
    assert (points[0], points[-1]) == ((0.0, 0.1), (3.0, 5.003))
    assert [ms for at, ms in points if at < 2.9] == [0.1] * sum(at < 2.9 for at, _ in points)


def test_chart_of_no_message_and_of_one() -> None:
    for times in ({}, {0: 1}, {3: 1}):
        ElementTree.fromstring(latency_chart.svg(times, times))


@pytest.mark.parametrize(
    ("values", "wanted"), [([0.3, 1800.0], (-1, 4)), ([1.0], (0, 1)), ([0.0], (-3, -2)), ([], (0, 1)), ([0.5], (-1, 0))]
)
def test_latency_axis_has_whole_decades(values: list[float], wanted: tuple[int, int]) -> None:
    assert latency_chart.decades(values) == wanted


def test_share_axis_ends_at_the_last_measurable_nine() -> None:
    shares = [share for _, share, _ in latency_chart.ticks(math.log10(120_000))]
    assert shares == ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"]


def test_caption_describes_the_chart() -> None:
    assert "1.8 s of when they were due, and within 0.3 ms of when" in latency_chart.caption(STALLED, QUICK)
    assert "within the same" in latency_chart.caption(QUICK, QUICK)
    assert latency_chart.caption({}, {}) == "No message was answered: there is no latency to show."
    assert latency_chart.caption(STALLED, QUICK, 7).endswith(
        "7 had no reply yet when stop was asked: of these it is the time for which they had waited."
    )
    assert latency_chart.caption({8_000_000: 3}, {}, 3).startswith(
        "No message was answered; 99 of 100 have waited 8 s or"
    )


def test_times_have_a_readable_unit() -> None:
    assert [latency_chart.time(ms) for ms in (0.037, 1.0, 59.04, 999.0, 1000.0, 1899.5)] == [
        "0.037 ms",
        "1 ms",
        "59 ms",
        "999 ms",
        "1 s",
        "1.9 s",
    ]
