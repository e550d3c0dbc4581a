from rawsocket.master.reports.html import words

DASH = words.UNKNOWN


def test_numbers_have_commas_and_no_more_digits_than_are_read() -> None:
    assert [words.count(value) for value in (None, 0, 1234, 1234.5, 0.126, 50.0)] == [
        DASH, "0", "1,234", "1,234", "0.13", "50"
    ]  # fmt: skip
    assert [words.rate(value) for value in (None, 4.98, 1234.6)] == [DASH, "5.0", "1,235"]


def test_times_are_in_milliseconds_or_seconds() -> None:
    assert [words.milliseconds(value) for value in (None, 0.591, 6.115, 999.0, 1000, 16_234.0)] == [
        DASH, "0.591 ms", "6.12 ms", "999 ms", "1 s", "16.2 s"
    ]  # fmt: skip
    assert [words.seconds(value) for value in (None, 9.893, 60.0, 600)] == [DASH, "9.9 s", "60 s", "10 min"]
    assert words.time_utc("2026-11-27T23:09:45Z") == "2026-11-27 23:09:45 UTC"
    assert words.time_utc("") == DASH


def test_quantities_have_their_unit() -> None:
    assert words.quantity(1000, "ms") == "1 s"
    assert words.quantity(0.1, "%") == "0.1 %"
    assert words.quantity(1000, "connections") == "1,000 connections"
    assert words.quantity(None, "ms") == DASH
    assert words.share(0.018) == "2%"


def test_counts_by_name_are_the_most_frequent_first() -> None:
    assert words.named({"reset": 2, "refused": 1234, "closed": 0}) == "1,234 refused, 2 reset"
    assert words.named({}) == "none"


def test_settings_as_text() -> None:
    values = (None, "", True, 10.0, ["a", 1], {"x": None})
    assert [words.plain(value) for value in values] == ["unset", "unset", "yes", "10", "a, 1", "x unset"]


def test_numbers_and_their_units_stay_on_one_line() -> None:
    assert words.unbroken("8.1 s of 9 min, 5 servers") == "8.1\u00a0s of 9\u00a0min, 5 servers"
