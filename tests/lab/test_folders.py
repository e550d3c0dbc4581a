from pathlib import Path

import pytest

from lab import folders, settings
from lab.folders import ASSETS


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a user is the current one; it has a scenario of its own and one of a built-in's name."""
    (tmp_path / "locustfiles").mkdir()
    for name in ("mine", "hold"):
        (tmp_path / f"locustfiles/{name}.py").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("place", [".", "docs", "lab/engines"])
def test_anywhere_in_a_clone_the_user_works_in_the_clone(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ASSETS / place)
    assert folders.work() == ASSETS == settings.ROOT
    assert folders.is_clone()
    assert folders.both("locustfiles") == [ASSETS / "locustfiles"]
    assert folders.python_path().split(":")[0] == str(ASSETS)


def test_elsewhere_the_user_works_in_the_current_folder(elsewhere: Path) -> None:
    assert folders.work() == elsewhere
    assert not folders.is_clone()
    assert folders.both("locustfiles") == [elsewhere / "locustfiles", ASSETS / "locustfiles"]


def test_a_file_of_the_user_is_found_before_a_built_in_one(elsewhere: Path) -> None:
    assert folders.find("locustfiles/hold.py") == elsewhere / "locustfiles/hold.py"
    assert folders.find("locustfiles/churn.py") == ASSETS / "locustfiles/churn.py"
    assert folders.find("locustfiles/none.py") == elsewhere / "locustfiles/none.py"


def test_scenarios_of_the_user_come_first_and_built_in_ones_remain(elsewhere: Path) -> None:
    found = settings.scenarios()
    assert found[:2] == ["hold", "mine"]
    assert {"churn", "protocols/redis_commands"} <= set(found)
    assert len(set(found)) == len(found)


def test_local_processes_import_our_packages_before_folders_of_the_user(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    assert folders.python_path().split(":") == [str(ASSETS), str(elsewhere), "/theirs"]


def test_messages_name_commands_and_paths_as_the_user_knows_them(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folders.command("up") == "holdfast up"
    assert folders.prefix() == folders.program() == "holdfast"
    assert folders.shown(elsewhere / "locustfiles/mine.py") == "locustfiles/mine.py"
    assert folders.shown(ASSETS / "locustfiles/churn.py") == str(ASSETS / "locustfiles/churn.py")
    monkeypatch.chdir(ASSETS)
    assert folders.command("up", "USERS=5") == "make up USERS=5"
    assert (folders.prefix(), folders.program()) == ("lab", "python -m lab")
