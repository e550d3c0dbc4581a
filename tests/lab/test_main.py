import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import docker
import pytest

import lab.__main__ as command
from lab import settings
from lab.errors import Interrupted, LabError
from tests.support.fake_engine import FakeEngine

VERBS = ("setup", "up", "down", "load", "ci", "report", "new", "status", "logs", "clean")


def _lab(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", *arguments],
        cwd=settings.ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "environ", "part"),
    [
        (["load", "--min-held", "900"], {}, "MIN_HELD=900 is above USERS=800"),
        (["ci", "--users", "0"], {}, "USERS='0' is not valid: expected a whole number of at least 1"),
        (["ci"], {"SCENARIO": "nothing"}, "SCENARIO='nothing' is not valid: expected one of .*hold"),
        (["up", "--target", "10.0.0.5"], {}, "expected tcp://host:port"),
        (["fly"], {}, "invalid choice: 'fly'"),
        (["load", "--user", "5"], {}, r"--user 5; did you mean --users\? \(see python -m lab load --help\)"),
        (["load", "USER=5"], {}, r"lab: USER is no setting; did you mean USERS\?"),
        (["load", "USERS=0"], {"USERS": "5"}, "lab load: USERS='0' is not valid"),
        (["new"], {}, "arguments are required: DIR"),
        (["new", "docs"], {}, "docs is in the clone of Holdfast, where the lab works in the clone: name another"),
        (["load"], {"HOLDFAST_MAKE": "USER=5"}, r"lab: USER is no setting; did you mean USERS\?"),
        (["ci", "--workers", "0"], {}, "WORKERS='0' is not valid: expected a whole number from 1 to 1000"),
        (["load"], {"NETWORK": "theirs_default"}, "NETWORK=theirs_default is for a server on that network"),
        (["up"], {"SERVER_MEM": "10"}, "SERVER_MEM='10' is not valid: expected a size of at least 6m, such as 512m"),
        (
            [
                "ci",
                "--engine",
                "native",
                "--size",
                "16000000",
                "--framing",
                "chunk",
                "--users",
                "1000000",
                "--rate",
                "100000",
            ],
            {},
            "SIZE=16000000 with 500000 users on each worker: .* lower SIZE or USERS",
        ),
        (["load"], {"DRILL": "a\nb"}, r"DRILL=a\\nb: there is no such drill"),
        (["drill", "a\nb"], {}, r"there is no drill a\\nb"),
        (["load", "a\nb"], {}, r"a\\nb"),
        (["load", "--users"], {}, "argument --users: expected one argument"),
        ([], {}, "VERB"),
    ],
)
def test_a_usage_error_is_one_line_and_exits_with_2(
    arguments: list[str],
    environ: dict[str, str],
    part: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, **environ})
    try:
        code = command.main(arguments)
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr()
    assert (code, said.out, said.err.count("\n")) == (2, "", 1), said.err
    assert re.search(part, said.err)


def test_a_usage_error_of_the_program_itself_is_one_line_and_its_exit_code() -> None:
    done = _lab("load", USERS="0")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.startswith("lab load: USERS='0' is not valid")


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb(verb: str) -> None:
    assert verb in command.VERBS
    with pytest.raises(SystemExit) as end:
        command.main([verb, "--help"])
    assert end.value.code == 0


def test_a_missing_engine_is_one_line_and_exits_with_1(tmp_path: Path) -> None:
    done = _lab("status", ENGINE="docker", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 1
    assert done.stderr.startswith(f"lab status: no Docker engine answers at unix://{tmp_path}/none.sock: start it")
    assert done.stderr.count("\n") == 1


def test_settings_of_the_env_file_are_used_and_printed(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`engine` has the checkout in `tmp_path`."""
    (tmp_path / ".env").write_text("USERS=0\n")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert command.main(["ci"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "From .env: USERS=0",
        "lab ci: USERS='0' is not valid: expected a whole number of at least 1. Set USERS or --users.",
    ]


def test_the_env_file_has_settings_of_the_scenario_as_well(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locustfiles").mkdir()
    (tmp_path / "locustfiles/hold.py").write_text('ScenarioSetting("token", secret=True)\nScenarioSetting("topic")\n')
    (tmp_path / ".env").write_text("TOKEN=s3cret\nTOPIC=news\nOTHER=x\n")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert command.main(["ci"]) == 0
    assert capsys.readouterr().err.splitlines()[0] == "From .env: TOKEN=(secret) TOPIC=news"
    assert os.environ["TOKEN"] == "s3cret"


@pytest.mark.parametrize("code", [0, 1, 3, 4])
@pytest.mark.parametrize("verb", ["load", "ci"])
def test_the_exit_code_is_that_of_the_run(engine: FakeEngine, tmp_path: Path, verb: str, code: int) -> None:
    engine.code = code
    assert command.main([verb]) == code
    (project,) = engine.projects
    assert re.fullmatch(rf"holdfast-test-the-exit-code-\S+-{verb}-\d{{8}}t\d{{6}}z-{os.getpid()}", project)
    folder = (tmp_path / "runs/latest").resolve()
    assert folder.name.endswith(f"-{verb}")
    assert (folder / "env.json").exists()


def test_a_failure_of_the_lab_shows_evidence_and_keeps_the_artefacts(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engine.error = LabError("building the images failed", "no space left\n")
    assert command.main(["ci"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == ["no space left", "lab ci: building the images failed"]
    assert (tmp_path / "runs/latest/env.json").exists()


def test_an_engine_that_goes_away_is_one_line(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.error = docker.errors.APIError("connection reset")
    assert command.main(["ci"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "lab ci: the Docker engine failed: connection reset"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_nothing_is_one_line(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    engine.error = OSError(number, os.strerror(number), "/x/.lab/compose.json")
    assert command.main(["ci"]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == f"lab ci: could not write /x/.lab/compose.json: {os.strerror(number)}"


def test_an_interrupted_run_exits_with_130(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.error = Interrupted()
    assert command.main(["load"]) == 130
    assert "lab load: interrupted; everything that it started is removed\n" in capsys.readouterr().err


def test_an_interrupted_verb_that_starts_nothing_promises_nothing(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: FakeEngine) -> list[str]:
        raise Interrupted

    monkeypatch.setattr(FakeEngine, "status", interrupt)
    assert command.main(["status"]) == 130
    assert capsys.readouterr().err == "lab status: interrupted\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_further_ones_do_nothing(engine: FakeEngine, number: signal.Signals) -> None:
    command.main(["status"])
    with pytest.raises(Interrupted):
        signal.raise_signal(number)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.raise_signal(each)
