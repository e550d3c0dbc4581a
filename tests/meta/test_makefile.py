"""`make status` and `make clean` where nothing is installed, and where something can't be removed."""

import subprocess
from pathlib import Path

import pytest

from tests.meta.conftest import text

PATH = "/usr/bin:/bin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Makefile").write_text(text("Makefile"))
    (tmp_path / "build").mkdir()
    (tmp_path / ".lab").mkdir()
    return tmp_path


def _make(folder: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", target]
    return subprocess.run(command, cwd=folder, env={"PATH": PATH}, capture_output=True, text=True, check=False)


def _lab_that_ends_with(folder: Path, code: int) -> None:
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho lab: $3\nexit {code}\n")
    python.chmod(0o755)


@pytest.mark.parametrize("target", ["status", "clean"])
def test_nothing_is_installed_first(folder: Path, target: str) -> None:
    done = _make(folder, target)
    assert done.returncode == 0
    assert f"docker ps -a --filter label=holdfast.folder={folder}" in done.stdout
    assert not (folder / ".venv").exists()
    assert (folder / "build").exists() is (target == "status")


def test_clean_keeps_what_another_clean_needs_if_something_could_not_be_removed(folder: Path) -> None:
    _lab_that_ends_with(folder, 1)
    done = _make(folder, "clean")
    assert done.returncode == 2
    assert done.stdout.splitlines() == ["lab: clean", "Kept for another `make clean`: .venv and .lab"]
    assert {path.name for path in folder.iterdir()} == {"Makefile", ".venv", ".lab"}


def test_clean_removes_everything_once_the_lab_has(folder: Path) -> None:
    _lab_that_ends_with(folder, 0)
    assert _make(folder, "clean").returncode == 0
    assert {path.name for path in folder.iterdir()} == {"Makefile"}
