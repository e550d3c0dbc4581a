import pytest

from bench.charts import bar_table, svg
from bench.charts.bar_table import Column
from tests.support.pictures import texts


def test_table_draws_one_bar_per_value() -> None:
    column = Column(("memory", "each"), [10.0, None, 2000.0], ["10 B", "-", "2 KB"])
    picture = bar_table.draw("Story", "below", ["select", "sync", "prefork"], [True, False, False], [column])
    assert {"memory", "each", "select", "10 B", "-", "2 KB"} <= set(texts(picture))
    assert picture.count(svg.OURS) == 1
    assert picture.count('stroke="#ffffff"') == 1  # the much longer bar is cut off


@pytest.mark.parametrize(
    ("values", "whole"), [([1.0, 2.0], 2.0), ([1.0, 2.0, 9.0], 2.0), ([1.0, 2.0, 90.0, 2000.0], 2.0), ([0.0, 5.0], 5.0)]
)
def test_limit_ignores_outliers(values: list[float], whole: float) -> None:
    assert bar_table.limit(values, True) == whole
    assert bar_table.limit(values, False) == max(values)


def test_limit_without_values_is_positive() -> None:
    assert bar_table.limit([], True) > 0
