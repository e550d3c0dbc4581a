"""The table of all drills."""

from lab.drills.table import DRILLS, by_name


def test_each_drill_is_found_by_its_name() -> None:
    assert list(by_name().values()) == list(DRILLS)
