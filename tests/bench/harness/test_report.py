import json
from dataclasses import replace
from pathlib import Path

from bench import settings
from bench.harness import report
from bench.load import table
from bench.load.contenders import FLOOR, SESSION
from bench.load.table import ROSTER
from bench.results.record import Record
from bench.results.section import Section
from bench.settings import LOAD_ROWS
from tests.support.bench_load_records import RECORDS, trial

LINES = table.lines(RECORDS, LOAD_ROWS, 15_000)


def test_sentence_of_a_trial() -> None:
    sentence = report.sentence(trial("closed", SESSION, us=8.234, per_s=81_234.5, busy=1.5, p99_ms=None))
    assert sentence == "8.23 µs of CPU a message, 81,234 messages/s, 1.50 cores busy, 0.1% stolen"
    assert report.sentence(Record("closed", SESSION, 1, {}, "it broke")) == "not measured: it broke"


def test_table_has_a_column_for_each_measured_contender() -> None:
    head, *rows = report.cells(ROSTER, LINES)
    assert head == ["figure", SESSION, "typical", "tuned", FLOOR, "must reach", "aim", "", "stolen"]
    assert rows[0] == [
        *("memory per held connection", "0.80 KB", "12.0 KB", "11.0 KB", "0.20 KB"),
        *("1.25 KB", "0.90 KB", "aim met", "0.1%"),
    ]


def test_text_is_aligned_and_has_the_notes() -> None:
    lines = report.text(ROSTER, LINES).splitlines()
    assert lines[0].index("must reach") == lines[2].index("1.25 KB")
    assert any("the typical Locust user never sent 8.6 %" in line for line in lines)


def test_markdown_rows_have_as_many_cells_as_the_head() -> None:
    text = report.markdown(ROSTER, LINES)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(LINES)
    assert len({row.count("|") for row in rows}) == 1
    assert "- session: SessionUser, typical: typical Locust user" in text


def test_write_creates_json_markdown_and_svg(tmp_path: Path) -> None:
    report.write(tmp_path, ROSTER, settings.read_load({}, {}), RECORDS, LINES)
    assert {path.name for path in tmp_path.iterdir()} == {"bench.json", "bench.md", "bench.svg"}
    document = json.loads((tmp_path / "bench.json").read_text())
    assert document["schema"] == 1
    assert [line["key"] for line in document["lines"]] == [line.key for line in LINES]
    assert Record(**document["records"][0]) == RECORDS[0]
    assert document["options"]["connections"] == 10_000
    assert {"processor", "cpus", "kernel", "python", "locust", "gevent"} == set(document["machine"])


def test_section_follows_the_table_and_has_its_own_picture(tmp_path: Path) -> None:
    sections = [Section("curve", "The curve", [["held", "CPU"], ["100", "8 µs"]], ["a note"], picture="<svg/>")]
    report.write(tmp_path, ROSTER, settings.read_load({}, {}), RECORDS, LINES, sections=sections)
    assert {path.name for path in tmp_path.iterdir()} == {"bench.json", "bench.md", "bench.svg", "curve.svg"}
    assert (
        (tmp_path / "bench.md")
        .read_text()
        .endswith("\n\n### The curve\n\n| held | CPU |\n| --- | --- |\n| 100 | 8 µs |\n\n- a note\n")
    )
    assert json.loads((tmp_path / "bench.json").read_text())["sections"][0]["key"] == "curve"
    assert report.text(ROSTER, LINES, sections).endswith("a note")


def test_report_of_sections_only_has_no_empty_table(tmp_path: Path) -> None:
    sections = [Section("curve", "The curve", [["held"], ["100"]], [])]
    assert report.text(ROSTER, [], sections).startswith("The curve")
    report.write(tmp_path, ROSTER, settings.read_load({}, {}), [], [], sections=sections)
    assert {path.name for path in tmp_path.iterdir()} == {"bench.json", "bench.md"}


def test_report_without_figures_is_unknown(tmp_path: Path) -> None:
    report.write(tmp_path, ROSTER, settings.read_load({}, {}), [], table.lines([], LOAD_ROWS, 15_000))
    assert "unknown" in (tmp_path / "bench.md").read_text()


def test_text_and_markdown_have_the_notes_of_the_roster() -> None:
    roster = replace(ROSTER, notes=("all run with A=1",))
    assert "\nall run with A=1\n" in report.text(roster, LINES)
    assert "\n- all run with A=1\n" in report.markdown(roster, LINES)
