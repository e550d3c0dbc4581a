"""Runs on an engine that starts nothing, by way of the command."""

import re
import sys
from pathlib import Path

import pytest

import lab.__main__ as command
from lab.errors import UsageError
from lab.run import capacity
from tests.support.fake_engine import FakeEngine


def test_a_run_refused_by_the_master_ends_with_the_line_that_says_why(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engine.code, engine.lines = 2, ("a warning", "60000 users on 2 workers are too many")
    assert command.main(["load", "--users", "500"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("a warning\n", "lab load: 60000 users on 2 workers are too many\n")
    assert list((tmp_path / "runs").iterdir()) == []


def test_what_a_killed_lab_has_left_is_removed_first(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "abandoned", ("holdfast-ci-1",))
    assert command.main(["ci"]) == 0
    assert capsys.readouterr().err.startswith("Removed what holdfast-ci-1 had left: its lab was killed.\n")


def test_a_folder_that_can_not_be_written_is_one_line_and_exits_with_1(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "runs").write_text("no folder")
    assert command.main(["ci"]) == 1
    assert re.fullmatch(r"lab ci: could not write \S+/runs/\S+-ci: Not a directory\n", capsys.readouterr().err)


def test_a_setting_that_master_and_worker_refuse_is_said_once(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.lines = ("TARGET=tcp://a:1: no",)
    engine.error = UsageError("worker: TARGET=tcp://a:1: no")
    assert command.main(["ci"]) == 2
    assert capsys.readouterr() == ("", "lab ci: worker: TARGET=tcp://a:1: no\n")


def test_a_setting_refused_by_a_program_leaves_no_run(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engine.error = UsageError("server: --processes 3: no")
    assert command.main(["ci"]) == 2
    assert capsys.readouterr().err == "lab ci: server: --processes 3: no\n"
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_started_run_that_exits_with_2_is_kept(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engine.code, engine.lines = 2, ("held 5/10  x", "verdict pass")
    assert command.main(["ci"]) == 2
    assert capsys.readouterr().out == "held 5/10  x\nverdict pass\n"
    assert (tmp_path / "runs/latest/env.json").exists()


def test_a_warning_for_users_above_the_cap_does_not_stop_the_run(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "warning", lambda chosen: f"USERS={chosen['USERS']} is above")
    assert command.main(["load", "--users", "1100"]) == 0
    assert capsys.readouterr().err.startswith("USERS=1100 is above\nArtefacts: ")


def test_a_run_says_where_its_artefacts_are(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["ci"])
    assert re.search(r"^Artefacts: runs/\d+T\d+Z-ci/ \(also runs/latest\)$", capsys.readouterr().err, re.M)


def test_a_run_leaves_a_lab_that_is_up_alone(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.up_already = True
    assert command.main(["load"]) == 0
    assert "this run leaves it alone" in capsys.readouterr().err


def test_github_gets_the_summary(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "github.md"))
    command.main(["ci"])
    assert (tmp_path / "github.md").read_text() == "# summary\n\n"


def test_the_masters_lines_are_passed_on_without_locusts_log_lines(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    chatter = "[2025-01-01 00:00:00,000] master/INFO/locust.runners: 2 clients"
    warning = "[2025-01-01 00:00:00,000] master/WARNING/locust.runners: CPU"
    engine.lines = ("held 5/10  connects 0.0/s", "", chatter, warning, "verdict pass")
    command.main(["load"])
    assert capsys.readouterr().out.splitlines() == ["held 5/10  connects 0.0/s", warning, "verdict pass"]


def test_on_a_terminal_the_progress_line_overwrites_itself(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.lines = ("held 5/10  x", "held 10/10  x", "verdict pass")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    command.main(["load"])
    assert capsys.readouterr().out == "\r\x1b[Kheld 5/10  x\r\x1b[Kheld 10/10  x\r\x1b[Kverdict pass\n"
