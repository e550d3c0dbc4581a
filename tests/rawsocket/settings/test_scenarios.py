from pathlib import Path

from rawsocket.settings.scenarios import names


def test_names_are_the_public_files_below_the_folder(tmp_path: Path) -> None:
    for name in ("hold.py", "closed.py", "_shared.py", "notes.txt", "a/web.py", "a/b/deep.py", "_a/x.py", ".b/x.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert names(tmp_path) == ["closed", "hold", "a/web", "a/b/deep"]


def test_a_missing_folder_has_no_scenarios(tmp_path: Path) -> None:
    assert names(tmp_path / "none") == []
