"""A drill in the report, and the cells of the page of all drills."""

from rawsocket.master.reports.html import drill
from tests.rawsocket.master.reports.test_drill_table import DRILL

FOUND = {"name": "a", "server": "select", "outcome": "not recovered", "measured": {}}


def test_what_was_not_as_predicted_is_marked() -> None:
    assert drill.table(DRILL).marked == ["time to recover"]


def test_matrix_has_a_cell_for_each_server() -> None:
    servers, lines = drill.matrix([("a", "t"), ("b", "u")], [("1-drill", FOUND)], {"b": "why"})
    assert servers == ["select"]
    assert lines == [
        ("a", "t", [drill.Cell("not recovered", "fail", "1-drill")]),
        ("b", "u", [drill.Cell("not run: why", "")]),
    ]
