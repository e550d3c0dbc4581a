import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

import lab.__main__ as command
from lab import settings
from lab.engines import choose as engine
from lab.errors import Interrupted, LabError, UsageError
from lab.run import capacity
from lab.run import folder as runs

VERBS = ("setup", "up", "down", "load", "ci", "status", "logs", "clean")


class FakeLab:
    """A lab that writes down what is asked of it."""

    name = "docker"
    up_already = False
    lines: tuple[str, ...] = ()
    logged: tuple[tuple[str, str], ...] = (("server", "one\ntwo\n"),)
    error: BaseException | None = None
    code = 0

    def __init__(self, *_: object) -> None:
        self.projects: list[str] = []

    def running(self) -> bool:
        return self.up_already

    def run(self, project: str, relay: Callable[[str], None], folder: Path) -> int:
        self.projects.append(project)
        (folder / "summary.md").write_text("# summary\n")
        for line in self.lines:
            relay(line)
        if self.error:
            raise self.error
        return self.code

    def up(self) -> str:
        return "http://127.0.0.1:8089"

    def down(self) -> bool:
        return self.up_already

    def status(self) -> list[str]:
        return ["server running"] if self.up_already else []

    def logs(self) -> list[tuple[str, str]]:
        return list(self.logged)

    def check(self) -> None:
        pass

    def setup(self) -> None:
        pass

    def clean(self) -> list[str]:
        return ["container server"]


@pytest.fixture
def fake_lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeLab:
    made = FakeLab()
    monkeypatch.setattr(command, "_lab", lambda verb, chosen: made)
    monkeypatch.setattr(command, "NativeLab", FakeNative)
    monkeypatch.setattr(capacity, "warning", lambda chosen: "")
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setattr(runs.create, "__defaults__", (tmp_path / "runs",))
    return made


class FakeNative(FakeLab):
    name = "native"

    def clean(self) -> list[str]:
        return []


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
        (["load", "--user", "5"], {}, r"unrecognized arguments: --user 5 \(see python -m lab load --help\)"),
        (["load", "--users"], {}, "argument --users: expected one argument"),
        ([], {}, "VERB"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_2(arguments: list[str], environ: dict[str, str], part: str) -> None:
    done = _lab(*arguments, **environ)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert re.search(part, done.stderr)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb(verb: str) -> None:
    assert verb in command.VERBS
    with pytest.raises(SystemExit) as end:
        command.main([verb, "--help"])
    assert end.value.code == 0


def test_no_engine_where_one_is_demanded_is_exit_1_and_one_line(tmp_path: Path) -> None:
    done = _lab("status", ENGINE="docker", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 1
    assert done.stderr.startswith("lab status: ENGINE=docker, but ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("code", [0, 1, 3, 4])
@pytest.mark.parametrize("verb", ["load", "ci"])
def test_a_runs_code_is_the_exit_code(fake_lab: FakeLab, tmp_path: Path, verb: str, code: int) -> None:
    fake_lab.code = code
    assert command.main([verb]) == code
    (project,) = fake_lab.projects
    assert re.fullmatch(rf"holdfast-{verb}-\d{{8}}t\d{{6}}z-{os.getpid()}", project)
    folder = (tmp_path / "runs/latest").resolve()
    assert folder.name.endswith(f"-{verb}")
    assert (folder / "env.json").exists()


def test_a_run_that_ends_with_2_before_it_begins_ends_with_the_line_that_says_why(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake_lab.code, fake_lab.lines = 2, ("a warning", "60000 users on 2 workers are too many")
    assert command.main(["load", "--users", "500"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("a warning\n", "lab load: 60000 users on 2 workers are too many\n")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_mistake_that_a_program_of_the_lab_finds_leaves_no_run(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake_lab.error = UsageError("server: --processes 3: no")
    assert command.main(["ci"]) == 2
    assert capsys.readouterr().err == "lab ci: server: --processes 3: no\n"
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_run_that_ends_with_2_after_it_has_begun_is_kept(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake_lab.code, fake_lab.lines = 2, ("held 5/10  x", "verdict pass")
    assert command.main(["ci"]) == 2
    assert capsys.readouterr().out == "held 5/10  x\nverdict pass\n"
    assert (tmp_path / "runs/latest/env.json").exists()


def test_users_above_the_cap_are_warned_of_and_the_run_goes_on(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "warning", lambda chosen: f"USERS={chosen['USERS']} is above")
    assert command.main(["load", "--users", "1100"]) == 0
    assert capsys.readouterr().err.startswith("USERS=1100 is above\nArtefacts: ")


def test_a_run_says_where_its_artefacts_are(fake_lab: FakeLab, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["ci"])
    assert re.search(r"^Artefacts: runs/\d+T\d+Z-ci/ \(also runs/latest\)$", capsys.readouterr().err, re.M)


def test_a_lab_that_is_up_is_left_alone_and_mentioned(fake_lab: FakeLab, capsys: pytest.CaptureFixture[str]) -> None:
    fake_lab.up_already = True
    assert command.main(["load"]) == 0
    assert "it is left alone" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["up", "load", "ci"])
def test_a_target_is_printed_first(fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    command.main([verb, "--target", "tcp://10.0.0.5:9000"])
    assert capsys.readouterr().err.startswith("Target: tcp://10.0.0.5:9000 (the lab's own server is not started)\n")


@pytest.mark.parametrize("verb", ["up", "load"])
def test_a_target_whose_name_is_unknown_is_told_before_anything_is_started(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verb: str
) -> None:
    def check() -> None:
        raise UsageError("it can't be resolved")

    monkeypatch.setattr(fake_lab, "check", check, raising=False)
    assert command.main([verb, "--target", "tcp://nowhere.invalid:9000"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", f"lab {verb}: it can't be resolved")
    assert not (tmp_path / "runs").exists()


def test_a_failure_of_the_lab_shows_its_evidence_and_still_keeps_the_artefacts(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake_lab.error = LabError("building the images failed", "no space left\n")
    assert command.main(["ci"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == ["no space left", "lab ci: building the images failed"]
    assert (tmp_path / "runs/latest/env.json").exists()


def test_an_engine_that_goes_away_is_one_line(fake_lab: FakeLab, capsys: pytest.CaptureFixture[str]) -> None:
    fake_lab.error = docker.errors.APIError("connection reset")
    assert command.main(["ci"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "lab ci: the Docker engine failed: connection reset"


def test_interrupted_is_130(fake_lab: FakeLab, capsys: pytest.CaptureFixture[str]) -> None:
    fake_lab.error = Interrupted()
    assert command.main(["load"]) == 130
    assert "lab load: interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_interrupts_and_further_ones_do_nothing(fake_lab: FakeLab, number: signal.Signals) -> None:
    command.main(["status"])
    with pytest.raises(Interrupted):
        signal.raise_signal(number)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.raise_signal(each)


def test_github_gets_the_summary(fake_lab: FakeLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "github.md"))
    command.main(["ci"])
    assert (tmp_path / "github.md").read_text() == "# summary\n\n"


def test_the_masters_lines_are_passed_on_less_locusts_chatter(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str]
) -> None:
    chatter = "[2025-01-01 00:00:00,000] master/INFO/locust.runners: 2 clients"
    warning = "[2025-01-01 00:00:00,000] master/WARNING/locust.runners: CPU"
    fake_lab.lines = ("held 5/10  connects 0.0/s", "", chatter, warning, "verdict pass")
    command.main(["load"])
    assert capsys.readouterr().out.splitlines() == ["held 5/10  connects 0.0/s", warning, "verdict pass"]


def test_on_a_terminal_the_progress_line_overwrites_itself(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_lab.lines = ("held 5/10  x", "held 10/10  x", "verdict pass")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    command.main(["load"])
    assert capsys.readouterr().out == "\r\x1b[Kheld 5/10  x\r\x1b[Kheld 10/10  x\r\x1b[Kverdict pass\n"


@pytest.mark.parametrize(
    ("verb", "already", "out"),
    [
        ("up", False, "The lab is up (docker): http://127.0.0.1:8089\n"),
        ("down", True, "The lab is down.\n"),
        ("down", False, "No lab was up.\n"),
        ("status", True, "server running\n"),
        ("status", False, "Nothing runs.\n"),
        ("logs", True, "server | one\nserver | two\n"),
        ("clean", False, "removed container server\n"),
        ("setup", False, ""),
    ],
)
def test_what_each_verb_says(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], verb: str, already: bool, out: str
) -> None:
    fake_lab.up_already = already
    assert command.main([verb]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize(
    ("verb", "native_up", "engine_kind", "given"),
    [
        ("up", True, "docker", "docker"),
        ("ci", True, "docker", "docker"),
        ("load", False, "native", "native"),
        ("down", True, "docker", "native"),
        ("logs", True, "docker", "native"),
        ("status", True, "docker", "native"),
        ("down", False, "docker", "docker"),
        ("clean", True, "docker", "docker"),
    ],
)
def test_which_lab_a_verb_is_for(
    monkeypatch: pytest.MonkeyPatch, verb: str, native_up: bool, engine_kind: str, given: str
) -> None:
    monkeypatch.setattr(command, "NativeLab", FakeNative)
    monkeypatch.setattr(command, "DockerLab", FakeLab)
    monkeypatch.setattr(FakeNative, "up_already", native_up)
    monkeypatch.setattr(engine, "choose", lambda chosen, run: engine_kind)
    assert command._lab(verb, settings.read({}, {})).name == given


@pytest.mark.parametrize(("target", "said"), [("", True), ("tcp://10.0.0.5:9000", False)])
def test_up_says_where_the_server_is_beside_the_result(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], target: str, said: bool
) -> None:
    command.main(["up", "--server-port", "4711", "--target", target])
    assert ("127.0.0.1:4711; try: nc 127.0.0.1 4711," in capsys.readouterr().err) is said


def test_logs_of_no_lab_are_those_of_the_last_run(
    fake_lab: FakeLab, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake_lab.logged = ()
    assert command.main(["logs"]) == 0
    assert capsys.readouterr() == ("", "No lab is up. No run has left logs.\n")
    (tmp_path / "runs/latest/logs").mkdir(parents=True)
    command.main(["logs"])
    assert capsys.readouterr().err == "No lab is up. The logs of the last run are in runs/latest/logs/.\n"


def test_clean_ends_local_processes_as_well(
    fake_lab: FakeLab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FakeNative, "clean", lambda self: ["processes"])
    command.main(["clean"])
    assert capsys.readouterr().out == "removed processes\nremoved container server\n"
