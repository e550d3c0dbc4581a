from pathlib import Path

import pytest

from lab import folders
from lab.engines import build_context
from lab.errors import LabError
from tests.meta.conftest import text


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with two scenarios, one of a built-in's name, and requirements of their own."""
    (tmp_path / "locustfiles/own").mkdir(parents=True)
    (tmp_path / "locustfiles/own/mine.py").write_text("mine")
    (tmp_path / "locustfiles/churn.py").write_text("my churn")
    (tmp_path / "locustfiles/requirements.txt").write_text("cbor2")
    (tmp_path / "locustfiles/gone").symlink_to("nothing")
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    return tmp_path


def test_a_clone_is_built_from_as_it_is(tmp_path: Path) -> None:
    context = build_context.folder(tmp_path)
    build_context.fill(context)
    assert context == folders.ASSETS
    assert list(tmp_path.iterdir()) == []


def test_elsewhere_the_users_scenarios_are_added_to_our_own_files(work: Path) -> None:
    context = build_context.folder(work / ".lab/x")
    assert context == work / ".lab/x/context"
    build_context.fill(context)
    assert (context / "locustfiles/own/mine.py").read_text() == "mine"
    assert (context / "locustfiles/churn.py").read_text() == "my churn"
    assert (context / "locustfiles/requirements.txt").read_text() == "cbor2"
    assert (context / "locustfiles/hold.py").read_text() == text("locustfiles/hold.py")
    assert (context / "rawsocket/__main__.py").is_file()
    assert (context / "lab/watch/Dockerfile").is_file()
    assert list(context.rglob("__pycache__")) == []


def test_the_context_has_all_that_the_images_are_built_from(work: Path) -> None:
    """.dockerignore says what the clone gives them."""
    wanted = [line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")]
    build_context.fill(context := build_context.folder(work / ".lab/x"))
    assert [name for name in wanted if not list(context.glob(name))] == []


def test_files_of_an_earlier_build_are_removed(work: Path) -> None:
    context = build_context.folder(work / ".lab/x")
    build_context.fill(context)
    (work / "locustfiles/own/mine.py").unlink()
    build_context.fill(context)
    assert not (context / "locustfiles/own/mine.py").exists()


def test_a_file_that_can_not_be_copied_is_one_line(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / ".lab").write_text("")
    with pytest.raises(LabError, match=r"^could not copy .*\.lab.* for the images: Not a directory$"):
        build_context.fill(build_context.folder(work / ".lab/x"))
