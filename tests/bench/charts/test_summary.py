import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from bench.charts import summary
from bench.charts.summary import WIDTH, draw
from bench.load import table
from bench.load.table import ROSTER
from bench.settings import LOAD_ROWS
from tests.support.bench_load_records import RECORDS

LINES = table.lines(RECORDS, LOAD_ROWS, 15_000)
SVG = "{http://www.w3.org/2000/svg}"


def _texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_picture_has_one_panel_per_line_with_bars() -> None:
    texts = _texts(draw(ROSTER, LINES))
    titles = [line.title for line in LINES if line.key != "soak"]  # nothing unexplained: nothing to draw
    assert [text for text in texts if text in {line.title for line in LINES}] == titles
    assert "0.80 KB: aim met" in texts
    assert "typical Locust user" in texts


def test_bars_are_to_scale_and_end_within_the_picture() -> None:
    svg = draw(ROSTER, [LINES[0]])
    widths = [float(width) for width in re.findall(r'<rect x="\d+" y="\d+" width="([\d.]+)"', svg)]
    values = [value for _, value, _ in LINES[0].bars]
    assert widths == [round(max(2.0, value / max(values) * summary.PLOT), 1) for value in values]
    assert max(widths) + summary.LEFT < WIDTH


def test_mark_is_at_the_limit_of_ours() -> None:
    (mark,) = re.findall(r'<path d="M([\d.]+) \d+v\d+" stroke="#dc2626"', draw(ROSTER, [LINES[0]]))
    assert float(mark) == round(summary.LEFT + 1.25 / 12.0 * summary.PLOT, 1)


def test_tall_columns_are_cut_off_and_empty_columns_left_out() -> None:
    line = next(line for line in LINES if line.strips)
    svg = draw(ROSTER, [replace(line, strips={"session": [100, 0, 250, 900]})], even=100.0)
    heights = [float(height) for height in re.findall(r"v-([\d.]+)h", svg)]
    assert heights == [summary.STRIP / 3, round(summary.STRIP / 3 * 2.5, 2), summary.STRIP]
    assert "0 to 900" in _texts(svg)


def test_labels_are_escaped() -> None:
    svg = draw(ROSTER, [replace(LINES[0], title="a < b & c")])
    assert "a < b & c" in _texts(svg)


def test_a_picture_without_figures() -> None:
    assert ElementTree.fromstring(draw(ROSTER, table.lines([], LOAD_ROWS, 15_000))).attrib["width"] == str(WIDTH)
