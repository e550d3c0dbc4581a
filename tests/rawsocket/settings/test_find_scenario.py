from pathlib import Path

from rawsocket.settings.find_scenario import find, folders, names


def test_names_are_the_public_files_below_the_folder(tmp_path: Path) -> None:
    for name in ("hold.py", "closed.py", "_shared.py", "notes.txt", "a/web.py", "a/b/deep.py", "_a/x.py", ".b/x.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert names(tmp_path) == ["closed", "hold", "a/web", "a/b/deep"]


def test_names_of_the_first_folder_come_first_and_win(tmp_path: Path) -> None:
    for name in ("own/hold.py", "own/sub/mine.py", "built_in/hold.py", "built_in/churn.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    own, built_in = both = folders(f"{tmp_path}/own:{tmp_path}/built_in:")
    assert names(own, built_in) == ["hold", "sub/mine", "churn"]
    assert find("hold", both) == own / "hold.py"
    assert find("churn", both) == built_in / "churn.py"
    assert find("none", both) == own / "none.py"


def test_a_missing_folder_has_no_scenarios(tmp_path: Path) -> None:
    assert names(tmp_path / "none") == []
