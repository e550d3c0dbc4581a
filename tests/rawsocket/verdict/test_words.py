import pytest

from rawsocket.verdict import words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (3591, "3,591"), (1234.56, "1,235"), (27.695, "27.7"), (4.9, "4.9"), (0.0456, "0.046"), (7.003, "7")],
)
def test_number_has_separators_and_few_decimals(value: float, text: str) -> None:
    assert words.number(value) == text


def test_number_differs_from_another_one_that_it_stands_beside() -> None:
    assert words.number(1000.4, 1000) == "1,000.4"
    assert words.number(1000, 1000) == "1,000"
    assert words.number(4.9999999, 5) == "5"  # no more than six decimals


@pytest.mark.parametrize(
    ("value", "text"), [(0, "no replies"), (1, "1 reply"), (2, "2 replies"), (1000, "1,000 replies")]
)
def test_count_has_the_right_plural(value: int, text: str) -> None:
    assert words.count(value, "reply") == text


def test_count_with_an_irregular_plural() -> None:
    assert words.count(2, "process", "processes") == "2 processes"


def test_times_and_units() -> None:
    assert [words.seconds(value) for value in (0.84, 3.0, 12.3, 1200)] == ["0.8 s", "3 s", "12 s", "1,200 s"]
    assert (words.times(1), words.times(1000)) == ("once", "1,000 times")
    assert [words.percent(share) for share in (None, 0.034, 0.97)] == ["unknown", "3.4%", "97%"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 ms"), (0.0592, "0.0592 ms"), (1.498, "1.5 ms"), (20.591, "20.6 ms"), (671.2, "671 ms"),
        (999.7, "1 s"), (1534.2, "1.53 s"), (43210.0, "43.2 s"), (1234567.0, "1,235 s"),
    ],
)  # fmt: skip
def test_milliseconds_have_three_digits_and_are_seconds_from_one_on(value: float, text: str) -> None:
    assert words.milliseconds(value) == text


def test_milliseconds_differ_from_others_that_they_stand_beside() -> None:
    assert words.milliseconds(1000.5, 1000) == "1.0005 s"
    assert words.milliseconds(999.7, 1000) == "0.9997 s"
    assert words.milliseconds(1000, 1000) == "1 s"


def test_sentence_begins_with_a_capital_letter() -> None:
    assert words.sentence("p99 is Late") == "P99 is Late"
    assert words.sentence("") == ""
