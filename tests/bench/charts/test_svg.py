from bench.charts import svg
from tests.support.pictures import texts


def test_a_page_has_its_title_and_its_parts_and_escapes_text() -> None:
    picture = svg.page("Cost < 1", "below & beside", 200, [svg.text(5, 150, "a part", 12, svg.INK)])
    assert {"Cost < 1", "below & beside", "a part"} <= set(texts(picture))
    assert texts(picture)["a part"] == (5.0, 150.0)


def test_ours_stands_out() -> None:
    assert svg.ink(True) == (svg.INK, "600")
    assert svg.ink(False) == (svg.PALE, "400")
