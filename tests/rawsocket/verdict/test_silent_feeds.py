"""A feed that falls silent."""

from collections.abc import Iterable

import pytest

from rawsocket.measurement.report import Report
from rawsocket.verdict.silent_feeds import Feeds, FeedSilence
from tests.support.reports import report


def _report(wall_s: float, pushed: int, held: int = 20) -> Report:
    return report(wall_s=wall_s, held=held, messages={"pushed": pushed})


def _watch(pushed: Iterable[int], held: int = 20) -> list[FeedSilence | None]:
    """Return what is seen in each second; `pushed`: the count by then. The worker's clock is 1,000 s ahead."""
    feeds = Feeds()
    return [feeds.look({"a": _report(1000 + at, count, held)}, at) for at, count in enumerate(pushed)]


STOPS = [0, 0, 200, 400, 600, *[600] * 8]  # the last push comes in second 4


def test_feed_that_stops_is_told_after_five_seconds() -> None:
    seen = _watch(STOPS)
    assert seen[:9] == [None] * 9
    assert seen[9] == FeedSilence(4, 5, 300)
    assert seen[12] == FeedSilence(4, 8, 300)
    assert seen[12].now() == "No push for 8 s: before, there were 300 a second"
    assert seen[12].afterwards(12.4) == (
        "no push came for 8 s until the end, from 4 s on; before, there were 300 a second"
    )
    assert seen[12].afterwards(60).startswith("no push came for 8 s, from 4 s on; ")


@pytest.mark.parametrize(
    ("what", "pushed", "held"),
    [
        ("pushes go on", range(100, 3000, 100), 20),
        ("bursts every 4 s", [100 * (at // 4) for at in range(30)], 20),
        ("so few that they are no feed", [0, 1, 2, *[2] * 30], 20),
        ("none at all", [0] * 30, 20),
        ("no connection is left", STOPS, 0),
    ],
)
def test_what_is_no_silence(what: str, pushed: Iterable[int], held: int) -> None:
    assert _watch(pushed, held) == [None] * len(list(pushed)), what


def test_long_pauses_between_bursts_are_the_feeds_own() -> None:
    bursts = [100 * (at // 4) for at in range(20)]
    seen = _watch([*bursts, *[bursts[-1]] * 12])
    assert [at for at, silence in enumerate(seen) if silence] == list(range(16 + 12, 32))


def test_silence_ends_with_the_next_push() -> None:
    seen = _watch([*STOPS, 800, 1000])
    assert seen[12] is not None
    assert seen[13:] == [None, None]


def test_all_workers_have_to_agree_and_a_frozen_one_says_nothing() -> None:
    feeds = Feeds()
    for at, pushed in enumerate(STOPS):
        frozen = _report(1000 + min(at, 5), min(pushed, 600))
        found = feeds.look({"a": _report(at, pushed), "b": frozen, "c": _report(at, 0)}, at)
    assert found is None
    assert feeds.look({"a": _report(13, 600), "c": _report(13, 0)}, 13) == FeedSilence(4, 9, 300)


def test_rate_of_a_slow_feed_has_decimals() -> None:
    assert FeedSilence(4, 9, 0.254).now() == "No push for 9 s: before, there were 0.25 a second"
