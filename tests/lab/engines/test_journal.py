import json
from pathlib import Path

import pytest

from lab import procfs
from lab.engines.journal import Entry, Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "runs", "native")


def test_a_run_of_a_lab_that_runs_is_not_abandoned(journal: Journal, tmp_path: Path) -> None:
    journal.begin("one", tmp_path / "artefacts")
    assert journal.abandoned() == []


def test_a_run_is_abandoned_once_its_lab_has_ended_and_until_it_is_removed(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(procfs, "gone", lambda marked: True)
    for name in ("two", "one"):
        journal.begin(name, tmp_path / name)
    assert journal.abandoned() == [Entry("one", tmp_path / "one"), Entry("two", tmp_path / "two")]
    assert Journal(tmp_path / "runs", "docker").abandoned() == []
    journal.end("one")
    journal.end("one")
    assert [entry.name for entry in journal.abandoned()] == ["two"]


@pytest.mark.parametrize("text", ["", "{", json.dumps({"engine": "native"})])
def test_a_file_that_was_cut_off_is_left_out(journal: Journal, tmp_path: Path, text: str) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/one.json").write_text(text)
    assert journal.abandoned() == []


def test_a_full_disk_does_not_prevent_a_run(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("no folder")
    Journal(tmp_path / "runs", "native").begin("one", tmp_path)
