"""A drill as a table."""

from rawsocket.master.reports import drill_table
from tests.support.documents import DRILL


def test_predictions_come_first_and_all_else_that_was_measured_after_them() -> None:
    assert drill_table.rows(DRILL) == [
        ("lost connections (blast radius)", "exactly 8 connections", "8 connections", "as predicted", "it held them"),
        ("time to recover", "at most 4 s", "-", "not as predicted", ""),
        ("held, lowest", "", "0 connections", "", ""),
        ("dropped reset", "", "8 connections", "", ""),
        ("cap share", "", "1.2", "", ""),
        ("workers lost", "1", "worker 2", "as predicted", ""),
    ]


def test_span_of_a_fault() -> None:
    assert drill_table.span(DRILL) == "from 9.0 s to 11.0 s of the run"
    assert drill_table.span({**DRILL, "healed_s": None}) == "from 9.0 s, never healed"
    assert drill_table.span({**DRILL, "injected_s": None}) == "it was not injected"


def test_every_figure_has_a_title() -> None:
    assert drill_table.TITLES.keys() == drill_table.FIGURES.keys()
