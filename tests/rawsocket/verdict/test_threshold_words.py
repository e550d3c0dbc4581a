import pytest

from rawsocket.settings.thresholds import THRESHOLDS
from rawsocket.verdict import threshold_words


@pytest.mark.parametrize(
    ("name", "limit", "actual", "text"),
    [
        ("max_failures", 0, 3591, "3,591 failures; none were allowed"),
        ("max_failures", 0, 0, "no failures; none were allowed"),
        ("max_failures", 5, 6, "6 failures; at most 5 were allowed"),
        ("max_failures[login]", 1, 2, "2 failures of login; at most 1 was allowed"),
        ("max_failures_percent", 0.1, 2.345, "2.35% of the events failed; at most 0.1% were allowed"),
        ("max_failures_percent", 0, 0.5, "0.5% of the events failed; at most 0% were allowed"),
        ("max_p99_ms", 1000, 1534.2, "the p99 latency from due was 1.53 s; at most 1 s was allowed"),
        ("max_p99_ms[login]", 3000, 12.34, "the p99 latency from due of login was 12.3 ms; at most 3 s were allowed"),
        ("max_p99_ms", 1000, None, "not measured; at most 1 s was allowed"),
        ("min_held", 1000, 980, "980 connections held; at least 1,000 were demanded"),
        ("min_messages_s", 500, 499.96, "499.96 messages a second; at least 500 were demanded"),
        ("max_silent_connections", 0, 1, "1 connection without a byte; none were allowed"),
    ],
)
def test_text_says_what_was_measured_and_what_was_allowed(
    name: str, limit: float, actual: float | None, text: str
) -> None:
    assert threshold_words.text(name, limit, actual) == text


@pytest.mark.parametrize(
    ("name", "title", "unit"),
    [
        ("max_p99_9_ms", "p99.9 latency from due", "ms"),
        ("max_p50_ms[login]", "p50 latency from due of login", "ms"),
        ("max_failures", "failures", ""),
        ("max_failures_percent[login]", "failures of login, share of all events", "%"),
        ("min_messages_s", "messages a second", ""),
    ],
)
def test_title_and_unit(name: str, title: str, unit: str) -> None:
    assert (threshold_words.title(name), threshold_words.unit(name)) == (title, unit)


@pytest.mark.parametrize(
    ("ok", "decided", "outcome"),
    [
        (True, True, "met"),
        (True, False, "met, not counted"),
        (False, False, "missed"),
        (None, False, "not measured"),
    ],
)
def test_met_threshold_does_not_count_in_a_run_that_decides_nothing(
    ok: bool | None, decided: bool, outcome: str
) -> None:
    assert threshold_words.outcome(ok, decided=decided) == outcome


@pytest.mark.parametrize("row", THRESHOLDS, ids=lambda row: row.name)
def test_each_threshold_has_a_title(row: object) -> None:
    assert getattr(row, "title", "")
