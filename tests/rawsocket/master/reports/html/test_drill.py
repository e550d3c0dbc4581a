"""A drill in the report, and the cells of the page of all drills."""

from rawsocket.master.reports.html import drill
from tests.rawsocket.master.reports.test_drill_table import DRILL

FOUND = {
    "name": "a", "server": "select", "outcome": "not recovered", "measured": {"lost": 7, "recover_s": 1.5},
    "reasons": ["lost: 7, predicted 0", "more"],
}  # fmt: skip


def test_what_was_not_as_predicted_is_marked() -> None:
    assert drill.table(DRILL).marked == ["time to recover"]


def test_matrix_has_a_cell_for_each_server() -> None:
    servers, lines = drill.matrix([("a", "t"), ("b", "u")], [("1-drill", FOUND)], {"epoll": {"b": "why"}})
    assert servers == [("select", "0 of 1 recovered as predicted"), ("epoll", "0 of 0 recovered as predicted")]
    missed = drill.Cell("✗ not recovered", "fail", "7 lost, back after 1.5 s", "lost: 7, predicted 0", "1-drill")
    assert lines == [
        ("a", "t", [missed, drill.Cell("not run")]),
        ("b", "u", [drill.Cell("not run"), drill.Cell("does not apply", why="why")]),
    ]


def test_cell_of_a_drill_that_recovered_needs_no_reason() -> None:
    found = {**FOUND, "outcome": "recovered", "measured": {"lost": 0}}
    _, lines = drill.matrix([("a", "t")], [("1-drill", found)], {})
    assert lines == [("a", "t", [drill.Cell("✓ recovered", "pass", "0 lost", "", "1-drill")])]


def test_markdown_is_the_same_table_in_short() -> None:
    well = {**FOUND, "name": "b", "outcome": "recovered"}
    found = [("1-drill", FOUND), ("2-drill", well), ("3-drill", {**well, "server": "a|b", "measured": {}})]
    assert drill.markdown([("a", "t"), ("b", "u")], found, {}).splitlines() == [
        "| drill | select | a\\|b |",
        "|---|---|---|",
        "| `a` | ✗ 7 lost, 1.5 s | - |",
        "| `b` | ✓ 7 lost, 1.5 s | ✓ |",
        "| recovered as predicted | 1 of 2 | 1 of 1 |",
    ]
