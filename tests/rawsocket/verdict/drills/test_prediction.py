"""What a drill predicts, and the marks that the lab puts into the run's folder."""

import pytest

from rawsocket.verdict.drills.prediction import Expected, Marks


@pytest.mark.parametrize(
    ("least", "most", "actual", "met"),
    [
        (5, 5, 5, True),
        (5, 5, 6, False),
        (None, 3, 3, True),
        (None, 3, 3.1, False),
        (2, None, 1, False),
        (2, None, 9, True),
        (None, None, 0, True),
        (0, 9, None, False),
    ],
)
def test_expectation_is_met_within_its_bounds(
    least: float | None, most: float | None, actual: float | None, met: bool
) -> None:
    assert Expected("lost", least, most).met(actual) is met


def test_marks_are_read_as_they_were_written() -> None:
    marks = Marks(
        *("x", "a fault", 5.0, "select", (Expected("lost", 1, 2, "why"),)),
        unknown=1,
        injected=3.5,
        findings=("a",),
        own={"cap": 1.5},
    )
    assert Marks.read(marks.text_of_file()) == marks


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"name": "x"}', '{"predicted": [{"wrong": 1}]}'])
def test_marks_that_are_not_whole_are_left_out(content: str) -> None:
    assert Marks.read(content) is None


def test_marks_of_a_later_version_are_read_without_what_is_not_known() -> None:
    found = Marks.read('{"name": "x", "text": "t", "for_s": 1, "new": 3}')
    assert found == Marks("x", "t", 1)
