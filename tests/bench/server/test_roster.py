from bench.results.line import AIM
from bench.server.contenders import SELECT, SERVERS
from bench.server.roster import ROSTER, line, medians, ratio
from tests.support.bench_servers import records, trial


def test_ours_is_first_and_each_contender_has_a_label() -> None:
    assert ROSTER.ours == SELECT
    assert list(ROSTER.labels) == list(SERVERS)
    assert ROSTER.references == {"C select", "C epoll"}


def test_medians_of_the_measured_contenders() -> None:
    found = medians([*records("loop", "us", 8.0, asyncio=20.0), trial("loop", us=10.0)], "loop", "us")
    assert (found[SELECT], found["asyncio"], found["uvloop"]) == (9.0, 20.0, None)
    assert (ratio(found, "asyncio"), ratio(found, "uvloop")) == ("0.45 x asyncio", "- x uvloop")


def test_line_is_judged_for_the_roster() -> None:
    assert line([], "loop", "loop", "CPU", "µs", {SELECT: 1.0}, 2.0, 1.5).outcome == AIM
