import json
from pathlib import Path

import pytest

from lab.reports import index
from tests.support.documents import failed


def _run(runs: Path, name: str, file: str = "env.json") -> Path:
    folder = runs / name
    folder.mkdir(parents=True)
    (folder / file).write_text("{}")
    return folder


def _names(runs: Path) -> list[str]:
    return sorted(path.name for path in runs.iterdir() if path.is_dir())


def test_list_has_the_newest_run_first(tmp_path: Path) -> None:
    first = _run(tmp_path, "20260101T000000Z-load")
    (first / "verdict.json").write_text(json.dumps(failed()))
    (first / "report.html").touch()
    current = _run(tmp_path, "20260102T000000Z-ci-2")
    (tmp_path / "latest").symlink_to(current.name)
    index.update(current, 50)
    page = (tmp_path / "index.html").read_text()
    assert page.index(current.name) < page.index('href="20260101T000000Z-load/report.html"')
    assert "✗ FAIL" in page
    assert "latest" not in page
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_oldest_runs_beyond_keep_are_removed(tmp_path: Path) -> None:
    for day in range(1, 6):
        current = _run(tmp_path, f"2026010{day}T000000Z-load")
    index.remove_oldest(tmp_path, current, 3)
    assert _names(tmp_path) == ["20260103T000000Z-load", "20260104T000000Z-load", "20260105T000000Z-load"]


def test_keep_of_0_keeps_all(tmp_path: Path) -> None:
    current = _run(tmp_path, "20260101T000000Z-load")
    _run(tmp_path, "20260102T000000Z-load")
    index.remove_oldest(tmp_path, current, 0)
    assert len(_names(tmp_path)) == 2


def test_current_run_is_never_removed(tmp_path: Path) -> None:
    """Also if the clock went back, so that it is not the newest."""
    current = _run(tmp_path, "20260101T000000Z-load")
    _run(tmp_path, "20260102T000000Z-load", "verdict.json")
    index.remove_oldest(tmp_path, current, 1)
    assert _names(tmp_path) == [current.name]


@pytest.mark.parametrize("name", ["mine", "20250101T000000Z-bench-load", "20250101T000000Z-load.bak"])
def test_folder_with_another_name_stays(tmp_path: Path, name: str) -> None:
    _run(tmp_path, name)
    index.remove_oldest(tmp_path, _run(tmp_path, "20260101T000000Z-load"), 1)
    assert name in _names(tmp_path)


def test_folder_without_files_of_a_run_and_link_stay(tmp_path: Path) -> None:
    kept = _run(tmp_path / "elsewhere", "20240101T000000Z-load")
    (tmp_path / "20240101T000000Z-load").symlink_to(kept)
    (tmp_path / "20250101T000000Z-load").mkdir()
    index.remove_oldest(tmp_path, _run(tmp_path, "20260101T000000Z-load"), 1)
    assert {"20240101T000000Z-load", "20250101T000000Z-load"} <= set(_names(tmp_path))
    assert (kept / "env.json").exists()


def test_verdict_that_can_not_be_read_is_listed_as_none(tmp_path: Path) -> None:
    (_run(tmp_path, "20260101T000000Z-load") / "verdict.json").write_text("{")
    (_run(tmp_path, "20260101T000000Z-ci") / "verdict.json").write_text('{"verdict": "pass", "run": {}}')
    index.update(_run(tmp_path, "20260102T000000Z-load"), 50)
    assert (tmp_path / "index.html").read_text().count(">none<") == 3


def test_list_that_can_not_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.html").mkdir()
    index.update(_run(tmp_path, "20260101T000000Z-load"), 50)
    assert capsys.readouterr().err == f"could not write {tmp_path}/index.html: Is a directory\n"
