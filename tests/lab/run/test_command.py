"""Runs on an engine that starts nothing, by way of the command."""

import json
import re
from pathlib import Path

import docker
import pytest

import lab.__main__ as command
from lab.errors import Interrupted, LabError, UsageError
from lab.run import capacity, folder
from rawsocket.check.dialogue import SERVER, Dialogue, Failure, line_of
from tests.support import verdicts
from tests.support.fake_engine import FakeEngine


def test_a_run_refused_by_the_master_ends_with_the_line_that_says_why(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engine.code, engine.lines = 2, ("a warning", "60000 users on 2 workers are too many")
    assert command.main(["load", "--users", "500"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "a warning\nlab load: 60000 users on 2 workers are too many\n")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_whose_check_has_failed_leaves_nothing_and_exits_with_3(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failure = Failure(SERVER, "wrong", "b'a'", "send `get`", "mine.yaml:3")
    engine.code, engine.lines = 3, (line_of(Dialogue("mine", "tcp://a:1", failure=failure)),)
    assert command.main(["ci"]) == 3
    out, err = capsys.readouterr()
    assert out.endswith("FAILED at mine.yaml:3: send `get`: wrong: b'a'\n")
    assert err == "lab ci: the check before the run has failed, so no load was made; CHECK=no skips it\n"
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
    assert capsys.readouterr().err.startswith("held 5/10  x\nverdict pass\n")
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


def test_the_result_is_on_stdout_and_its_last_line_is_the_verdict(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.code, engine.lines = 3, verdicts.lines(verdicts.failed(), files=("summary.md",))
    assert command.main(["ci"]) == 3
    out, err = capsys.readouterr()
    assert out.startswith("FAIL  ")
    assert out.endswith("\nverdict: fail (exit code 3)\n")
    assert "Ledger" not in out
    assert err.splitlines()[0].startswith("held 0/800  ")


@pytest.mark.parametrize("flags", [["-v"], ["--verbose", "yes"]])
def test_verbose_prints_all_figures(engine: FakeEngine, capsys: pytest.CaptureFixture[str], flags: list[str]) -> None:
    engine.lines = verdicts.lines(verdicts.passed())
    assert command.main(["load", *flags]) == 0
    assert "\nLedger: " in capsys.readouterr().out


def test_the_path_of_the_report(engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    engine.lines = verdicts.lines(verdicts.passed(), files=("report.html",))
    engine.files = ("report.html",)
    command.main(["load"])
    folder = (tmp_path / "runs/latest").resolve().name
    assert capsys.readouterr().out.splitlines()[-2] == f"Report: runs/{folder}/report.html"


def test_files_that_the_master_could_not_write_are_named(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("summary.md", "verdict.json", "report.html")
    engine.code, engine.lines = 1, verdicts.lines(verdicts.passed(), 7, files, "No space left on device")
    assert command.main(["ci"]) == 1
    *_, trouble, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"could not write verdict\.json, report\.html in runs/\S+-ci: No space left on device \(exit code 1\)", trouble
    )
    assert last == "verdict: pass (exit code 1)"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LabError("could not write runs/x: No space left on device"), "could not write verdict.json in runs/"),
        (docker.errors.APIError("gone"), "could not write verdict.json in runs/"),
    ],
)
def test_failure_after_the_run_does_not_hide_its_verdict(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    engine.error, engine.lines = error, verdicts.lines(verdicts.failed(), 7, ("verdict.json",))
    assert command.main(["ci"]) == 1
    *_, trouble, last = capsys.readouterr().out.splitlines()
    assert trouble.startswith(said)
    assert str(error) in trouble
    assert last == "verdict: fail (exit code 1)"


def test_disk_that_does_not_take_the_hosts_part_is_named_after_the_run(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise LabError("could not write runs/x/env.json: No space left on device")

    monkeypatch.setattr(folder, "finish", full)
    engine.lines = verdicts.lines(verdicts.passed())
    assert command.main(["ci"]) == 1
    *_, trouble, last = capsys.readouterr().out.splitlines()
    assert trouble == "could not write runs/x/env.json: No space left on device (exit code 1)"
    assert last == "verdict: pass (exit code 1)"


def test_env_json_that_was_cut_off_is_replaced(engine: FakeEngine, tmp_path: Path) -> None:
    engine.files = ("env.json",)
    assert command.main(["ci"]) == 0
    assert "host" in json.loads((tmp_path / "runs/latest/env.json").read_text())


def test_interrupted_run_ends_with_the_verdict_that_its_master_wrote(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(self: FakeEngine, name: str, relay: object, folder: Path, *_: object) -> int:
        (folder / "verdict.json").write_text(json.dumps(verdicts.passed(verdict="unknown", exit_code=130)))
        raise Interrupted

    monkeypatch.setattr(FakeEngine, "run", run)
    assert command.main(["load"]) == 130
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "verdict: unknown (exit code 130)"
    assert err.splitlines()[-1] == "lab load: interrupted; everything that it started is removed"
