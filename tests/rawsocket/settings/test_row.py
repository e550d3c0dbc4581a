from typing import Any

import pytest

from rawsocket.settings.row import (
    ADDRESSES,
    BOOLEAN,
    DURATION,
    NAMES,
    PORT,
    Kind,
    Setting,
    number,
    one_of,
    seconds,
    whole,
)


def _row(kind: Kind = BOOLEAN, default: str | None = None, help: str = "what it does", **more: str) -> Setting:
    return Setting("max_p99_ms", kind, default, help, "a reason", **more)


def test_flag_and_variable_are_the_name() -> None:
    assert (_row().flag, _row().variable) == ("--max-p99-ms", "MAX_P99_MS")


def test_a_variable_with_a_prefix_has_no_flag() -> None:
    row = _row(prefix="HOLDFAST_")
    assert (row.flag, row.variable) == ("", "HOLDFAST_MAX_P99_MS")


def test_shown_default_of_a_row() -> None:
    assert [_row().shown_default, _row(default="5").shown_default, _row(shown="all").shown_default] == [
        "unset", "5", "all",
    ]  # fmt: skip


def test_meaning_adds_choices_missing_from_the_help() -> None:
    assert _row(one_of("a", "b")).meaning == "what it does (a, b)"
    assert _row(one_of("a", "b"), help="a: one; b: another").meaning == "a: one; b: another"


def test_error_of_an_invalid_value_names_the_variable_and_flag() -> None:
    with pytest.raises(
        ValueError, match=r"^MAX_P99_MS='x' is not valid: expected .*\. Set MAX_P99_MS or --max-p99-ms\.$"
    ):
        _row(PORT).parse("x")
    with pytest.raises(ValueError, match=r"Set HOLDFAST_MAX_P99_MS\.$"):
        _row(PORT, prefix="HOLDFAST_").parse("x")


def test_parser_ignores_blanks_around_a_value() -> None:
    assert _row(PORT).parse(" 5 ") == 5


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (one_of("a", "b"), "b", "b"),
        (whole(1), "1", 1),
        (whole(-1), "-1", -1),
        (whole(0, 5), "5", 5),
        (number(0), "0", 0.0),
        (number(0, 5), "5", 5.0),
        (number(0, above=True), "0.5", 0.5),
        (BOOLEAN, "Yes", True),
        (BOOLEAN, "0", False),
        (ADDRESSES, "10.0.0.5, ::1", ("10.0.0.5", "::1")),
        (NAMES, "Localhost, ,x", ("localhost", "x")),
        (DURATION, "2m", 120.0),
    ],
)
def test_valid_values_of_each_kind(kind: Kind, text: str, value: Any) -> None:
    assert kind.parse(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (one_of("a", "b"), "c", "one of a, b$"),
        (whole(1), "0", "a whole number of at least 1$"),
        (whole(1), "1.5", "a whole number of at least 1$"),
        (whole(0, 5), "6", "a whole number from 0 to 5$"),
        (number(0), "-1", "a number of at least 0$"),
        (number(0), "nan", "a number"),
        (number(0), "inf", "a number"),
        (number(0), "x", "a number"),
        (number(0, above=True), "0", "a number above 0$"),
        (number(0, 5, above=True), "6", "a number above 0 and at most 5$"),
        (BOOLEAN, "perhaps", "true or false"),
        (ADDRESSES, "localhost", "IP addresses"),
        (ADDRESSES, "10.0.0.5,", "IP addresses"),
    ],
)
def test_invalid_values_of_each_kind(kind: Kind, text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^expected {expected}"):
        kind.parse(text)


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("90s", 90), ("2m", 120), ("1h30m", 5400), ("1h1m1s", 3661)])
def test_valid_times(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "1.5s", "1m2h", "-1s", "1 m", "0", "0h0m0s"])
def test_invalid_times(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time"):
        seconds(text)
