import dataclasses
import math
from typing import Any

import pytest

from lab.progress import PROGRESS_LINE
from rawsocket.master.reports import progress
from tests.rawsocket.master.test_timeline import SAMPLE
from tests.support.verdicts import ALERT
from tests.support.verdicts import second as a_second

HELD = dataclasses.replace(SAMPLE, elapsed_s=12.04, held=800, server_held=799, messages_s=80.3, p99_ms=1.31)


def test_object_of_a_second() -> None:
    live = {"status": "in trouble", "alerts": [ALERT]}
    found = progress.second(HELD, 1000, 47.9604, 3, live)
    assert found == a_second(
        12.04, 47.96, server_held=799, wanted=1000, failures=3, status="in trouble", alerts=[ALERT]
    )
    assert progress.second(HELD, 1000, -0.2, 0, {})["left_s"] == 0.0


def test_object_without_alerts_and_without_an_end() -> None:
    found = progress.second(HELD, 800, math.inf, 0, {})
    assert (found["left_s"], found["status"], found["alerts"]) == (None, "", [])


def test_line_of_a_second() -> None:
    said = "held 800/800  messages 80.3/s  p99 1.310 ms  failures 0  0:12 of 1:00"
    assert progress.line(a_second()) == said


def test_line_without_replies() -> None:
    assert "p99 -  failures 7  1:00 of 1:00" in progress.line(a_second(60.2, 0.0, p99_ms=None, failures=7))


def test_line_under_a_load_shape_names_it() -> None:
    line = progress.line(a_second(left_s=None))
    assert line.endswith("failures 0  0:12, by its load shape")
    assert PROGRESS_LINE.match(line)


@pytest.mark.parametrize(
    "large",
    [
        {"held": 15000, "wanted": 15000, "messages_s": 15000.0, "failures": 123456, "elapsed_s": 7200.0, "left_s": 9e4},
        {"held": 10**6, "wanted": 10**6, "messages_s": 10.0**6, "failures": 10**7, "p99_ms": 12345.6},
    ],
)
def test_line_is_at_most_79_columns_wide(large: dict[str, Any]) -> None:
    assert len(progress.line(a_second(**large))) <= 79


def test_clock() -> None:
    times = [progress.clock(seconds) for seconds in (0, 6.6, 59.6, 3599, 3725)]
    assert times == ["0:00", "0:07", "1:00", "59:59", "1:02:05"]


def test_a_line_comes_every_five_seconds() -> None:
    lines = progress.Lines()
    said = [at for at in range(1, 14) if lines.of(a_second(at + 0.01 * (-1) ** at))]
    assert said == [1, 6, 11]


def test_the_last_second_has_a_line() -> None:
    lines = progress.Lines()
    assert [at for at in range(1, 8) if lines.of(a_second(at + 0.2, 7.8 - at))] == [1, 6, 7]


def test_an_alert_is_written_when_it_begins_and_when_it_is_over() -> None:
    lines = progress.Lines()
    lines.of(a_second(1.0))
    begun = lines.of(a_second(2.0, alerts=[ALERT]))
    assert begun[0] == "alert: Server full: it holds 1,000; 500 users are refused. Set MAX_CONNECTIONS"
    assert lines.of(a_second(3.0, alerts=[{**ALERT, "text": "Server full: 501 users"}])) == []
    assert lines.of(a_second(4.0)) == ["alert over: Server full: 501 users"]
