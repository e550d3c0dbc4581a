import pytest

from bench.results.line import AIM, MET, MISSED, UNKNOWN
from bench.server.rows.tutorial import ROW
from tests.support.bench_servers import records


@pytest.mark.parametrize(
    ("all_us", "few_us", "outcomes"),
    [
        (20.0, 25.0, [MET, AIM]),
        (20.1, 25.1, [MISSED, MET]),
        (20.0, 50.1, [MET, MISSED]),
        (None, None, [UNKNOWN, UNKNOWN]),
    ],
)
def test_limits_and_aims(all_us: float | None, few_us: float | None, outcomes: list[str]) -> None:
    trials = records("900 of 900", "us", all_us, tutorial=30.0) + records("10 of 900", "us", few_us, tutorial=100.0)
    assert [line.outcome for line in ROW.lines(trials)] == outcomes


def test_only_ours_and_the_tutorials_server_are_shown() -> None:
    for line in ROW.lines(records("10 of 900", "us", 25.0, tutorial=100.0, asyncio=20.0)):
        assert set(line.values) == {"select", "tutorial"}
    assert line.notes == ["ours is 4.0 times cheaper; must: 2; aim: 4"]
