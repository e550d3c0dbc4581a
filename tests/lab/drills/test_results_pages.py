"""The page of all drills, from the verdicts of runs."""

import json
import shutil
from pathlib import Path

import pytest

from lab.drills import results_pages

DRILLS = [("a", "it breaks"), ("b", "more")]


def _run(runs: Path, name: str, document: object) -> None:
    (runs / name).mkdir(parents=True)
    (runs / name / "verdict.json").write_text(document if isinstance(document, str) else json.dumps(document))
    (runs / name / "report.html").touch()


def _drill(name: str, server: str, outcome: str = "recovered") -> dict[str, object]:
    return {"drill": {"name": name, "server": server, "outcome": outcome, "measured": {"lost": 7, "recover_s": 1.5}}}


def test_each_server_has_a_column_with_its_latest_run(tmp_path: Path) -> None:
    _run(tmp_path, "1-drill", _drill("a", "select", "not recovered"))
    _run(tmp_path, "2-drill", _drill("a", "select"))
    _run(tmp_path, "3-drill", _drill("a", "<epoll>"))
    text = results_pages.write(tmp_path, DRILLS, "select", {"b": "it needs PROCESSES"}).read_text()
    assert text.count("✗ not recovered") == 1  # the legend
    assert text.count("7 lost, back after 1.5 s") == 2
    assert "&lt;epoll&gt;" in text
    assert 'href="2-drill/report.html"' in text
    assert text.count("does not apply") == text.count("it needs PROCESSES") == 1
    assert text.count("not run") == 1


def test_columns_stay_when_their_runs_are_removed(tmp_path: Path) -> None:
    _run(tmp_path, "1-drill", _drill("a", "select"))
    results_pages.write(tmp_path, DRILLS, "select", {"b": "it needs PROCESSES"})
    shutil.rmtree(tmp_path / "1-drill")
    _run(tmp_path, "2-drill", _drill("a", "epoll"))
    text = results_pages.write(tmp_path, DRILLS, "epoll", {}).read_text()
    assert text.count("7 lost") == 2
    assert text.count("it needs PROCESSES") == 1
    assert "1-drill" not in text


def test_run_without_a_report_has_no_link(tmp_path: Path) -> None:
    _run(tmp_path, "1-drill", _drill("a", "select"))
    (tmp_path / "1-drill/report.html").unlink()
    text = results_pages.write(tmp_path, DRILLS, "select", {}).read_text()
    assert "7 lost" in text
    assert "1-drill" not in text


@pytest.mark.parametrize("content", ["{", "[]", '{"found": 5}', '{"found": [[1]], "refused": {}}', '{"found": []}'])
def test_record_that_is_damaged_is_begun_again(tmp_path: Path, content: str) -> None:
    (tmp_path / "drills.json").write_text(content)
    assert "does not apply" in results_pages.write(tmp_path, DRILLS, "select", {"b": "why"}).read_text()


def test_runs_that_are_no_drill_or_are_damaged_are_left_out(tmp_path: Path) -> None:
    for number, document in enumerate(({"verdict": "pass"}, "{", "[]", {"drill": {"name": "a"}}, {"drill": 3})):
        _run(tmp_path, f"{number}-drill", document)
    _run(tmp_path, "1-load", _drill("a", "select"))
    assert results_pages.found(tmp_path) == []


def test_head_counts_and_text_form_beside_the_page(tmp_path: Path) -> None:
    _run(tmp_path, "1-drill", _drill("a", "select, containers"))
    _run(tmp_path, "2-drill", _drill("a", "select, local processes", "not recovered"))
    text = results_pages.write(tmp_path, DRILLS, "select, containers", {}).read_text()
    assert "1 of 1 recovered as predicted" in text
    assert "0 of 1 recovered as predicted" in text
    assert "| drill | select, containers | select, local processes |\n" in (tmp_path / "drills.md").read_text()


def test_record_of_an_earlier_version_keeps_its_columns(tmp_path: Path) -> None:
    kept = {"found": [["1-drill", _drill("a", "select")["drill"]]], "refused": {"select": {"b": "why"}}}
    (tmp_path / "drills.json").write_text(json.dumps(kept))
    results_pages.write(tmp_path, DRILLS, "select, containers", {})
    assert (tmp_path / "drills.md").read_text().startswith("| drill | select | select, containers |\n")
