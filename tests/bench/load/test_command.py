import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lab.__main__ as verbs
from bench import settings
from bench.load import command, echo_server, trial_order
from bench.load.contenders import CONTENDERS, FLOOR, SESSION
from bench.load.experiments import LoadExperiment
from lab.errors import Interrupted, LabError, UsageError
from lab.run import folder as runs
from tests.support import slow_echo


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the command with one experiment instead of all; return the exit code and bench.json."""
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(runs.create, "__defaults__", (tmp_path / "runs",))
    monkeypatch.setattr(echo_server, "program", lambda: ["none"])

    def run(measure: Any, **flags: str) -> tuple[int, dict[str, Any]]:
        experiment = LoadExperiment("hold", ("memory",), (SESSION, FLOOR), 1, measure)
        monkeypatch.setattr(trial_order, "EXPERIMENTS", (experiment,))
        code = command.run({"ONLY": "memory", "PEERS": "none", **flags})
        return code, json.loads((tmp_path / "runs/latest/bench.json").read_text())

    return run


def test_trials_are_measured_recorded_and_judged(measured: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = measured(lambda bench, generator, folder: {"kb": 1.0, "stolen": 0.0}, REPEAT="2")
    assert code == 0
    assert [record["contender"] for record in document["records"]] == [SESSION, FLOOR, FLOOR, SESSION]
    out, err = capsys.readouterr()
    assert "[hold 2/2] SessionUser: 1.00 KB a connection, 0.0% stolen" in err
    assert "memory per held connection  1.00 KB" in out
    assert "Artefacts: runs/" in err


@pytest.mark.parametrize(("kb", "code"), [(0.5, 0), (2.0, 3), (None, 4)])
def test_exit_code_follows_the_outcome(measured: Any, kb: float | None, code: int) -> None:
    assert measured(lambda *_: {"kb": kb, "stolen": 0.0})[0] == code


def test_failure_is_recorded_and_other_trials_continue(measured: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def measure(bench: Any, generator: Any, folder: Path) -> dict[str, Any]:
        if generator.name == SESSION:
            raise LabError("it broke", "its last line")
        return {"kb": 0.2, "stolen": 0.0}

    code, document = measured(measure)
    assert code == 4
    assert [record["problem"] for record in document["records"]] == ["it broke", ""]
    assert "its last line" in capsys.readouterr().err


def test_interrupt_keeps_finished_trials(measured: Any, tmp_path: Path) -> None:
    def measure(bench: Any, generator: Any, folder: Path) -> dict[str, Any]:
        if generator.name == FLOOR:
            raise Interrupted
        return {"kb": 1.0, "stolen": 0.0}

    with pytest.raises(Interrupted):
        measured(measure)
    document = json.loads((tmp_path / "runs/latest/bench.json").read_text())
    assert [record["contender"] for record in document["records"]] == [SESSION]


def test_an_unavailable_peer_is_left_out_with_one_line(
    measured: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = replace(CONTENDERS["tsung"], unavailable=lambda: "tsung is not installed")
    monkeypatch.setitem(CONTENDERS, "tsung", absent)
    measured(lambda *_: {"kb": 1.0, "stolen": 0.0}, PEERS="tsung")
    assert "Tsung is left out: tsung is not installed\n" in capsys.readouterr().err


def test_verb_accepts_its_own_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(command, "run", lambda flags: asked.append(flags) or 3)
    assert verbs.main(["bench-load", "--only", "memory", "--soak", "1h"]) == 3
    assert (asked[0]["ONLY"], asked[0]["SOAK"], asked[0]["REPEAT"]) == ("memory", "1h", None)


@pytest.mark.parametrize("arguments", [["--only", "speed"], ["--users", "5"], ["--connections", "60000"]])
def test_a_usage_error_is_one_line_and_exit_2(arguments: list[str], checkout: Path) -> None:
    done = _bench(checkout, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr


def test_small_benchmark_writes_its_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(runs.create, "__defaults__", (tmp_path / "runs",))
    monkeypatch.setattr(echo_server, "program", slow_echo.program)
    small = ["--connections", "20", "--rate", "20", "--window", "1s", "--repeat", "1", "--peers", "tuned"]
    code = verbs.main(["bench-load", *small, "--only", "closed,arrivals"])
    out, err = capsys.readouterr()
    assert code in (0, 3, 4), out + err  # the speed of this machine does not matter
    folder = tmp_path / "runs/latest"
    assert {path.name for path in folder.iterdir()} == {"bench.json", "bench.md", "bench.svg", "logs"}
    records = json.loads((folder / "bench.json").read_text())["records"]
    trials = [(record["experiment"], record["contender"]) for record in records]
    assert trials == [
        *(("closed", name) for name in (FLOOR, SESSION, FLOOR, "tuned", FLOOR)),
        ("arrivals", SESSION),
    ]
    assert [record["problem"] for record in records] == [""] * 6
    assert records[-1]["values"]["accepted"] == 30
    assert out.startswith("figure  ")


def _bench(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shell = f'ulimit -Hn 20000; exec "{sys.executable}" -m lab bench-load "$@"'
    return subprocess.run(
        ["sh", "-c", shell, "sh", *arguments],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "SERVER_"))},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_descriptor_limit_is_checked_for_the_largest_row() -> None:
    command.check_descriptors(settings.read_load({"ONLY": "memory"}, {}), 10_100)
    command.check_descriptors(settings.read_load({}, {}), 15_100)
    with pytest.raises(UsageError, match=r"15000 connections need 15100 descriptors .* limit is 15099"):
        command.check_descriptors(settings.read_load({}, {}), 15_099)
