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
from bench.harness import compiled
from bench.server import allocator, command, table
from bench.server.contenders import SELECT, SERVERS
from bench.server.row import Row, ServerExperiment
from bench.server.rows import idle
from lab.errors import Interrupted
from lab.run import folder as runs
from tests.support.bench_servers import needs_gcc


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the command with one row instead of all: gives the exit code and bench.json."""
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(runs.create, "__defaults__", (tmp_path / "runs",))
    monkeypatch.setattr(compiled, "program", lambda name: "none")

    def run(measure: Any, **flags: str) -> tuple[int, dict[str, Any]]:
        experiment = ServerExperiment(idle.EXPERIMENT.name, 2, measure, (SELECT, "asyncio"))
        monkeypatch.setattr(table, "ROWS", {"idle": Row("idle", (experiment,), idle.ROW.lines)})
        code = command.run({"ONLY": "idle", "PEERS": "asyncio", **flags})
        return code, json.loads((tmp_path / "runs/latest/bench.json").read_text())

    return run


def test_trials_are_measured_recorded_and_judged(measured: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = measured(lambda bench, server, folder: {"idle_pct": 0.1, "stolen": 0.0})
    assert code == 0
    assert [record["contender"] for record in document["records"]] == [SELECT, "asyncio", "asyncio", SELECT]
    assert document["options"]["peers"] == ["asyncio"]
    out, err = capsys.readouterr()
    assert "[idle 2/2] Holdfast select: 0.100 % of a core, 0.0% stolen" in err
    assert "idle, 900 held, share of a core  0.10 %  0.10 %   2.00 %" in out
    assert "Artefacts: runs/" in err


@pytest.mark.parametrize(("share", "code"), [(0.1, 0), (3.0, 3), (None, 4)])
def test_exit_code_follows_the_outcome(measured: Any, share: float | None, code: int) -> None:
    assert measured(lambda *_: {"idle_pct": share, "stolen": 0.0}, REPEAT="1")[0] == code


def test_interrupt_keeps_finished_trials(measured: Any, tmp_path: Path) -> None:
    def measure(bench: Any, server: Any, folder: Path) -> dict[str, Any]:
        if server.name == "asyncio":
            raise Interrupted
        return {"idle_pct": 1.0, "stolen": 0.0}

    with pytest.raises(Interrupted):
        measured(measure)
    folder = tmp_path / "runs/latest"
    assert {path.name for path in folder.iterdir()} == {"bench.json", "bench.md", "bench.svg"}
    assert [r["contender"] for r in json.loads((folder / "bench.json").read_text())["records"]] == [SELECT]


def test_an_unavailable_peer_is_left_out_with_one_line(
    measured: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SERVERS, "asyncio", replace(SERVERS["asyncio"], unavailable=lambda: "it can't be installed"))
    _, document = measured(lambda *_: {"idle_pct": 0.1, "stolen": 0.0})
    assert [record["contender"] for record in document["records"]] == [SELECT, SELECT]
    assert "asyncio Protocol is left out: it can't be installed\n" in capsys.readouterr().err


def test_verb_accepts_its_own_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(command, "run", lambda flags: asked.append(flags) or 3)
    assert verbs.main(["bench-server", "--only", "few", "--peers", "uvloop"]) == 3
    assert asked == [{"ONLY": "few", "PEERS": "uvloop", "REPEAT": None, "CONNECTIONS": None, "WINDOW": None}]


@pytest.mark.parametrize("arguments", [["--only", "speed"], ["--soak", "5m"]])
def test_a_usage_error_is_one_line_and_exit_2(arguments: list[str], checkout: Path) -> None:
    done = _bench(checkout, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1, done.stderr


@needs_gcc
def test_small_benchmark_writes_its_report(checkout: Path) -> None:
    done = _bench(checkout, "--only", "all-100", "--peers", "c-select,tutorial", "--window", "1s", "--repeat", "1")
    assert done.returncode == 4, done.stdout + done.stderr  # asyncio, against which ours is judged, was not chosen
    folder = checkout / "runs/latest"
    assert {path.name for path in folder.iterdir()} == {"bench.json", "bench.md", "bench.svg", "logs"}
    records = json.loads((folder / "bench.json").read_text())["records"]
    assert [record["contender"] for record in records] == [SELECT, "tutorial", "c-select"]
    assert [record["problem"] for record in records] == [""] * 3, done.stderr
    assert all(record["values"]["messages"] > 0 for record in records)
    assert done.stdout.startswith("figure  ")
    assert allocator.NOTE in done.stdout
    assert allocator.NOTE in (folder / "bench.md").read_text()


def _bench(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab", "bench-server", *arguments],
        cwd=checkout,
        env={name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "SERVER_"))},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
