from bench.harness.line import AIM
from bench.server.contenders import SELECT, SERVERS
from bench.server.roster import CAST, line, medians, times
from tests.support.serving import records, turn


def test_ours_is_first_and_everyone_has_a_label() -> None:
    assert CAST.ours == SELECT
    assert list(CAST.labels) == list(SERVERS)
    assert CAST.yardsticks == {"C select", "C epoll"}


def test_medians_of_whoever_was_measured() -> None:
    found = medians([*records("loop", "us", 8.0, asyncio=20.0), turn("loop", us=10.0)], "loop", "us")
    assert (found[SELECT], found["asyncio"], found["uvloop"]) == (9.0, 20.0, None)
    assert (times(found, "asyncio"), times(found, "uvloop")) == ("0.45 x asyncio", "- x uvloop")


def test_a_line() -> None:
    assert line([], "loop", "loop", "CPU", "µs", {SELECT: 1.0}, 2.0, 1.5).outcome == AIM
