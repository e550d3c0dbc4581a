"""What the lab writes of a drill that has ended its run."""

import json
from pathlib import Path

import pytest

from lab import folders
from lab.drills import ended_run, results_pages
from lab.drills.processes.master_killed import MasterKilled
from lab.drills.runner import DrillRunner
from rawsocket.master.reports.html import render
from tests.support.drill_stages import BEFORE, Lab, settings, stage


@pytest.fixture
def drill_runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DrillRunner:
    """A drill whose run was killed; its parts have ended."""
    monkeypatch.setattr(folders, "work", lambda: tmp_path)
    (tmp_path / "runs/20260101T000000Z-drill").mkdir(parents=True)
    (tmp_path / "runs/latest").symlink_to("20260101T000000Z-drill")
    made = DrillRunner(MasterKilled(), "native", settings())
    made.predicted = tuple(MasterKilled().expects(stage()[0], BEFORE))
    return made


def test_fault_that_did_not_come_leaves_the_runs_own_code(drill_runner: DrillRunner) -> None:
    drill_runner.predicted = ()
    assert ended_run.judge(drill_runner, MasterKilled(), 4, "select") == 4


@pytest.mark.parametrize(("code", "own"), [(1, 0), (0, 3)])
def test_code_and_verdict(drill_runner: DrillRunner, code: int, own: int, tmp_path: Path) -> None:
    assert ended_run.judge(drill_runner, MasterKilled(), code, "select") == own
    document = json.loads((tmp_path / "runs/latest/verdict.json").read_text())
    assert (document["exit_code"], document["drill"]["measured"]["own.exit_code"]) == (own, code)
    assert "master-killed" in render.drills([("master-killed", "x")], results_pages.found(tmp_path / "runs"), {})


def test_part_that_still_runs_is_named(
    drill_runner: DrillRunner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = Lab(settings())
    monkeypatch.setattr(lab.parts()[3], "gone", lambda: False)
    for part in lab.parts()[:3]:
        monkeypatch.setattr(part, "gone", lambda: True)
    drill_runner.parts = lab.parts()
    assert ended_run.judge(drill_runner, MasterKilled(), 1, "select") == 3
    assert "still running: worker-2" in capsys.readouterr().out
