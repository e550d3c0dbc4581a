"""The levels of a load shape as a table."""

from typing import Any

import pytest

from rawsocket.master.reports import levels_table
from tests.support.levels import document, level


def test_row_of_each_level() -> None:
    assert levels_table.rows(document()) == [
        ("100 users", "100", "0.420", "3.100", "99.8", "0", "12%", "passed"),
        ("200 users", "200", "0.610", "31.00", "200", "0", "-", "failed"),
    ]
    assert levels_table.line(document()) == "Holds 100 users; at 200 users: p99 from due 31 ms"
    assert levels_table.reasons(document()) == ["200 users: p99 from due 31 ms"]


def test_run_without_a_shape_has_none() -> None:
    assert levels_table.rows({}) == []
    assert levels_table.line({}) == ""


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({"verdict": "unknown"}, "unknown"),
        ({"verdict": None}, "under way"),
        ({"stopped": True}, "stopped"),
        ({"stopped": True, "verdict": "fail"}, "failed"),
    ],
)
def test_result_of_a_level(changes: dict[str, Any], result: str) -> None:
    assert levels_table.result(level(**changes)) == result


def test_name_tells_levels_with_as_many_users_apart() -> None:
    assert levels_table.name(level(users=1, when="in part 2 of 4")) == "in part 2 of 4, 1 user"


def test_console_has_the_first_and_the_last_of_many_levels() -> None:
    many = {"levels": [level(number=n, users=n) for n in range(1, 101)]}
    found = levels_table.short(many)
    assert len(found) == levels_table.ALL + 1
    assert found[6][0] == "... 61 more ..."
    assert (found[5][0], found[7][0], found[-1][0]) == ("5 users", "67 users", "100 users")
    assert found[0] == ("level", "held", "p99 ms", "messages/s", "failures", "result")
