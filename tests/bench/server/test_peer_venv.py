import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.server import peer_venv


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands, which are recorded and not run; each succeeds unless it contains the word `fail`."""
    found: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        found.append(command)
        bad = any("fail" in word for word in command)
        return subprocess.CompletedProcess(command, int(bad), "", "no such package" if bad else "")

    monkeypatch.setattr(subprocess, "run", run)
    return found


def _requirements(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_environment_is_rebuilt_only_for_new_requirements(
    tmp_path: Path, calls: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "venv"
    folder.mkdir()
    file = _requirements(tmp_path, "needs.txt", "a==1\n")
    assert not peer_venv.made(folder, file)
    assert peer_venv.unavailable.__wrapped__(folder, file) == ""
    assert [command[1:3] for command in calls] == [["-m", "venv"], ["-m", "pip"]]
    assert calls[1][0] == peer_venv.python(folder)
    assert "--require-hashes" in calls[1]
    assert "Installing needs.txt (uvloop, gevent)" in capsys.readouterr().err
    assert peer_venv.made(folder, file)
    assert peer_venv.unavailable.__wrapped__(folder, file) == ""
    assert len(calls) == 2
    file.write_text("a==2\n")
    assert not peer_venv.made(folder, file)


def test_missing_package_is_one_line_and_tried_once(
    tmp_path: Path, calls: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    file = _requirements(tmp_path, "fail.txt", "a==1\n")
    for _ in range(2):
        reason = peer_venv.unavailable(tmp_path / "venv", file)
        assert reason == "fail.txt could not be installed (python -m pip ended with 1)"
    assert len(calls) == 2
    assert "no such package" in capsys.readouterr().err


def test_requirements_list_uvloop_and_gevent() -> None:
    text = peer_venv.REQUIREMENTS.read_text()
    assert "\nuvloop==" in text
    assert "\ngevent==" in text
