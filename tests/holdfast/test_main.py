"""The package as pip builds and installs it: the command works in a folder that knows nothing of the clone."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from holdfast.__main__ import assets
from lab.settings import ROOT
from tests.meta.conftest import text, tracked
from tests.support import installed
from tests.support.lab import environment
from tests.support.server_process import running_server

PROJECT = tomllib.loads(text("pyproject.toml"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this clone."""
    return installed.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def holdfast(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command that the wheel installs."""
    return installed.install(wheel, tmp_path_factory.mktemp("venv"))


def test_files_are_beside_the_package_in_a_clone_and_inside_it_where_it_is_installed(tmp_path: Path) -> None:
    assert assets() == ROOT
    (tmp_path / "holdfast/lab").mkdir(parents=True)
    assert assets(tmp_path / "holdfast") == tmp_path / "holdfast"


def test_command_depends_on_all_that_the_lab_is_developed_with() -> None:
    """An installation gets its dependencies from `project.dependencies`, the clone from the group `lab`."""
    groups = tomllib.loads(text("pyproject.toml"))["dependency-groups"]
    names = [_name(each) for group in ("server", "load", "lab") for each in groups[group] if isinstance(each, str)]
    assert sorted(names) == sorted(map(_name, PROJECT["dependencies"]))


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def test_wheel_has_what_images_and_runs_need_and_no_common_name_at_its_top(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = [path for path in tracked() if path.startswith(("lab/", "server/", "locustfiles/", "conversations/"))]
    wanted += ["Dockerfile", "requirements-server.txt", "requirements-load.txt"]
    wanted += [path for path in tracked() if re.fullmatch(r"compose.*\.yaml", path)]
    assert [path for path in wanted if f"holdfast/{path}" not in names] == []
    assert [path for path in tracked() if path.startswith("rawsocket/") and path not in names] == []
    tops = {name.split("/")[0] for name in names}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"holdfast", "rawsocket"}


def test_version_and_help_are_those_of_the_installed_command(holdfast: Path, tmp_path: Path) -> None:
    assert installed.run(holdfast, tmp_path, "--version").stdout == f"Holdfast {PROJECT['version']}\n"
    shown = installed.run(holdfast, tmp_path, "--help").stdout
    assert shown.startswith("usage: holdfast COMMAND ")
    assert "bench" not in shown.lower()


def test_mistakes_name_the_users_command_and_files(holdfast: Path, tmp_path: Path) -> None:
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/mine.py").write_text("class A(int)\n")
    for arguments, said in (
        (["load", "SCENARIO=none"], r"holdfast load: SCENARIO='none' is not valid: expected one of mine, churn"),
        (["load", "SCENARIO=mine"], r"holdfast: locustfiles/mine.py:1: SyntaxError"),
        (["load", "USER=5"], r"holdfast: USER is no setting; did you mean USERS\?"),
    ):
        done = installed.run(holdfast, tmp_path, *arguments)
        assert done.returncode == 2, done.stderr
        assert re.match(said, done.stderr), done.stderr


def test_folder_that_was_removed_is_one_line(tmp_path: Path) -> None:
    code = "import os, sys; os.rmdir(os.getcwd()); import holdfast.__main__ as command; sys.exit(command.main())"
    command = [sys.executable, "-c", code, "status"]
    environ = environment({"PYTHONPATH": str(ROOT)})
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "holdfast: the current folder has been removed; cd to one that is there\n"


@pytest.fixture
def work(holdfast: Path, tmp_path: Path) -> Path:
    """A folder that `holdfast new` has made; the user adds a folder `server`, which is not ours."""
    made = installed.run(holdfast, tmp_path, "new", "mine")
    assert made.returncode == 0, made.stderr
    (tmp_path / "mine/server").mkdir()
    (tmp_path / "mine/server/__main__.py").write_text("raise SystemExit('not this one')")
    return tmp_path / "mine"


RUN = ("ENGINE=native", "USERS=5", "RATE=5", "EVERY=1", "WORKERS=1", "TIME=6s", "MAX_P99_MS=0")


def _verdict(work: Path, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The verdict of the run, which passed unless the machine was too busy."""
    assert re.search(r"^verdict: (pass|unknown)", done.stdout + done.stderr, re.M), done.stdout + done.stderr
    found: dict[str, Any] = json.loads((work / "runs/latest/verdict.json").read_text())
    assert found["connections"]["connected"] > 0
    return found


def test_the_new_conversation_is_checked_and_loads_a_server(holdfast: Path, work: Path) -> None:
    with running_server("--app", "echo") as server:
        target = f"TARGET=tcp://127.0.0.1:{server.port}"
        checked = installed.run(holdfast, work, "check", "hello", target)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "conversations/hello.yaml:8" in checked.stdout
        verdict = _verdict(work, installed.run(holdfast, work, "ci", "SCENARIO=hello", target, *RUN))
    assert verdict["messages"]["answered"] > 0
    assert sorted(os.listdir(work)) == sorted(
        [".github", ".gitignore", ".lab", "README.md", "conversations", "locustfiles", "runs", "server"]
    )


@pytest.mark.parametrize("scenario", ["hello_python", "churn"])
def test_scenarios_of_the_new_folder_and_built_in_ones_load_our_own_server(
    holdfast: Path, work: Path, scenario: str
) -> None:
    _verdict(work, installed.run(holdfast, work, "load", f"SCENARIO={scenario}", *RUN))
    host = json.loads((work / "runs/latest/env.json").read_text())["host"]
    assert host["repeat"].startswith("holdfast load USERS=5 ")
