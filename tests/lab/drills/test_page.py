"""The page of all drills, from the verdicts of runs."""

import json
from pathlib import Path

from lab.drills import page


def _run(runs: Path, name: str, document: object) -> None:
    (runs / name).mkdir(parents=True)
    (runs / name / "verdict.json").write_text(document if isinstance(document, str) else json.dumps(document))


def _drill(name: str, server: str, outcome: str = "recovered") -> dict[str, object]:
    return {"drill": {"name": name, "server": server, "outcome": outcome, "measured": {"lost": 7, "recover_s": 1.5}}}


def test_each_server_has_a_column_with_its_latest_run(tmp_path: Path) -> None:
    _run(tmp_path, "1-drill", _drill("a", "select", "not recovered"))
    _run(tmp_path, "2-drill", _drill("a", "select"))
    _run(tmp_path, "3-drill", _drill("a", "<epoll>"))
    text = page.write(tmp_path, [("a", "it breaks"), ("b", "more")], {"b": "it needs PROCESSES"}).read_text()
    assert "not recovered" not in text
    assert text.count("recovered; 7 lost, back after 1.5 s") == 2
    assert "&lt;epoll&gt;" in text
    assert 'href="2-drill/report.html"' in text
    assert "not run: it needs PROCESSES" in text


def test_runs_that_are_no_drill_or_are_damaged_are_left_out(tmp_path: Path) -> None:
    for number, document in enumerate(({"verdict": "pass"}, "{", "[]", {"drill": {"name": "a"}}, {"drill": 3})):
        _run(tmp_path, f"{number}-drill", document)
    _run(tmp_path, "1-load", _drill("a", "select"))
    assert page.found(tmp_path) == []
