import ast
import json
from pathlib import Path

import pytest
import yaml

from lab.conversation import schema
from lab.conversation.compile import compiled
from lab.errors import UsageError
from lab.project import new
from lab.settings import ROOT
from rawsocket.settings.find_scenario import names


def test_folder_gets_a_conversation_a_scenario_a_workflow_and_a_short_readme(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "load tests"
    assert new.run(str(folder), "1.2.3") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:-1] == [f"wrote {folder / place}" for place in (*new.PLACES.values(), new.SCHEMA)]
    assert said[-1] == f"Next: cd '{folder}' && holdfast load SCENARIO=hello USERS=10 TIME=10s"
    assert len((folder / "README.md").read_text().splitlines()) <= 10
    assert names(folder / "locustfiles") == ["hello_python"]
    ast.parse((folder / "locustfiles/hello_python.py").read_text())


def test_conversation_is_valid_and_names_the_schema_for_editors(tmp_path: Path) -> None:
    new.run(str(tmp_path), "1.2.3")
    file = tmp_path / "conversations/hello.yaml"
    assert [step.name for step in compiled(file).plan.steps] == ["hello"]
    name = file.read_text().splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert json.loads((file.parent / name).read_text()) == schema.schema()


def test_workflow_installs_this_version_and_runs_ci(tmp_path: Path) -> None:
    new.run(str(tmp_path), "1.2.3")
    job = yaml.safe_load((tmp_path / ".github/workflows/load.yml").read_text())["jobs"]["load"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == ["pip install holdfast==1.2.3", "holdfast ci SCENARIO=hello USERS=100"]
    pinned = [step["uses"] for step in job["steps"] if "uses" in step]
    ours = (ROOT / ".github/workflows/ci.yml").read_text()
    assert [action for action in pinned if action not in ours] == []


def test_files_that_are_there_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert new.run(str(tmp_path), "1.2.3") == 0
    assert (tmp_path / "README.md").read_text() == "mine"
    assert f"kept  {tmp_path / 'README.md'} (it is there already)" in capsys.readouterr().out


def test_folder_in_the_clone_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^lab is in the clone of Holdfast, .*: name another folder$"):
        new.run("lab", "1.2.3")


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file is a file: name a folder, which is made if it is not there$"):
        new.run(str(tmp_path / "file"), "1.2.3")
    with pytest.raises(
        UsageError, match=r"^the name of the folder is empty: name one, as in `holdfast new load-tests`$"
    ):
        new.run(" ", "1.2.3")


def test_current_folder_need_not_be_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert new.run(".", "1.2.3") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Next: holdfast load SCENARIO=hello USERS=10 TIME=10s"
