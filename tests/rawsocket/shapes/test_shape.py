"""The levels of each load shape."""

import pytest

from rawsocket.shapes.shape import SHAPES, SHORTEST_S, STEADY_AFTER_S, Level, Shape, Soak, Spike, Steps, Wave, said


def _users(shape: Shape) -> list[int]:
    return [level.users for level in shape.levels()]


@pytest.mark.parametrize(
    ("shape", "users"),
    [
        (Steps(100, 300, 100, 10), [100, 200, 300]),
        (Steps(100, 250, 100, 10), [100, 200, 250]),
        (Steps(300, 100, 100, 10), [300, 200, 100]),
        (Steps(5, 5, 1, 10), [5]),
        (Spike(10, 50, 10, 5), [10, 50, 10]),
        (Soak(7, 40), [7, 7, 7, 7]),
        (Wave(1, 9, 20, 2), [1, 9, 1, 9, 1]),
    ],
)
def test_users_of_each_level(shape: Shape, users: list[int]) -> None:
    assert _users(shape) == users
    assert shape.most_users == max(users)


def test_times_are_seconds_or_texts() -> None:
    assert Steps(1, 1, 1, "1m30s").levels() == (Level(1, 90.0),) == Steps(1, 1, 1, 90).levels()
    assert [level.hold_s for level in Wave(1, 2, "1m").levels()] == [30.0] * 3
    assert [level.hold_s for level in Spike(1, 2, after=10, hold=5).levels()] == [10.0, 5.0, 10.0]


def test_parts_of_a_soak_follow_one_another_without_a_break() -> None:
    first, *others = Soak(5, 60, parts=3, settle=10).levels()
    assert (first.settle_s, first.hold_s) == (10.0, 20.0)
    assert [level.settle_s for level in others] == [0.0, 0.0]
    assert Soak(5, 60, settle=0).levels()[0].settle_s == STEADY_AFTER_S


def test_level_says_where_it_is() -> None:
    assert [level.where for level in Steps(1, 2_000, 1_999, 5).levels()] == ["at 1 user", "at 2,000 users"]
    assert Spike(1, 50, 5, 5).levels()[1].where == "in the spike, at 50 users"
    assert Soak(7, 40).levels()[1].where == "in part 2 of 4, at 7 users"
    assert Wave(1, 9, 20).levels()[2].where == "after the waves, at 1 user"


def test_only_growing_steps_end_with_a_failure() -> None:
    assert Steps(1, 9, 4, 5).ends_with_failure
    assert not Steps(9, 1, 4, 5).ends_with_failure
    assert not Spike(1, 2, 5, 5).ends_with_failure


@pytest.mark.parametrize(
    ("make", "said_"),
    [
        (lambda: Steps(0, 10, 1, 5), "steps: from: 0 is not possible: expected a whole number from 1"),
        (lambda: Steps(1, 10, 0, 5), "steps: by: 0 is not possible"),
        (lambda: Steps(True, 10, 1, 5), "steps: from: True is not possible"),
        (lambda: Steps(1, 10, 1, "soon"), "steps: hold: 'soon' is no time: expected a time of at least 3s"),
        (lambda: Steps(1, 10, 1, 1), "steps: hold: 1 is too short: a level is judged from 2 s after it is held"),
        (lambda: Steps(1, 10_000, 1, 5), "steps: 10,000 levels from 1 to 10000 by 1: expected at most 200"),
        (lambda: Spike(10, 10, 5, 5), "spike: peak: 10 is not above base, 10"),
        (lambda: Soak(10, 10), "soak: hold: 4 parts of 2.5 s each: expected at least 3 s"),
        (lambda: Soak(10, 40, settle=20), "soak: hold: 4 parts of 10 s each: expected at least 21 s"),
        (lambda: Soak(10, 40, parts=0), "soak: parts: 0 is not possible"),
        (lambda: Wave(10, 5, 20), "wave: high: 5 is not above low, 10"),
        (lambda: Wave(1, 5, 5), "wave: period: 5 is too short"),
    ],
)
def test_mistake_is_one_line(make: object, said_: str) -> None:
    with pytest.raises(ValueError, match=r"^.*$") as raised:
        make()  # type: ignore[operator]
    assert str(raised.value).startswith(said_)


def test_each_shape_has_four_keys_and_a_text() -> None:
    examples = [Steps(1, 9, 4, 5), Spike(1, 2, 5, 5), Soak(7, 40), Wave(1, 9, 20)]
    assert [type(shape) for shape in examples] == list(SHAPES.values())
    assert {len(shape.KEYS) for shape in examples} == {4}
    assert [shape.text for shape in examples] == [
        "1 to 9 users by 4, 5 s each",
        "1 users for 5 s, 2 for 5 s, and 1 for 5 s again",
        "7 users for 40 s, judged in 4 parts",
        "1 wave from 1 to 9 users and back, 20 s each",
    ]


def test_times_in_words() -> None:
    assert [said(each) for each in (SHORTEST_S, 90, 120, 5400, 7200, 28_800)] == [
        *("3 s", "90 s", "2 min", "90 min", "2 h", "8 h"),
    ]
