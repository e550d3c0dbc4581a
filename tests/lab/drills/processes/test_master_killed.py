"""The master is killed: the run is unknown, with the name, and nothing of it is left; what is left is noticed."""

import os
import signal
from pathlib import Path

import pytest

from lab.drills.processes.master_killed import MasterKilled
from lab.engines.native import deployment, processes
from tests.support.drill_stages import BEFORE, bounds, stage
from tests.support.drilled import drilled


def test_prediction() -> None:
    assert bounds(MasterKilled().expects(stage()[0], BEFORE)) == {"own.exit_code": (1, 1), "own.left": (0, 0)}


def test_run_is_unknown_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = drilled(monkeypatch, tmp_path, "master-killed")
    out, err = capsys.readouterr()
    assert code == 0, out + err
    assert "the master exited with unexpected code -9: the verdict is unknown" in err
    assert (document["verdict"], document["cause"]["name"]) == ("unknown", "master-lost")
    assert document["drill"]["measured"] == {"own.exit_code": 1, "own.left": 0}
    assert "drill master-killed: recovered" in out


def test_worker_that_is_left_running_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    left: list[processes.Process] = []
    stop = deployment.processes.stop

    def stop_all_but_the_worker(found: list[processes.Process]) -> None:
        left.extend(one for one in found if one.name == "worker-1")
        for one in left:  # it would end by itself, because its master has
            os.kill(one.pid, signal.SIGSTOP)
        stop([one for one in found if one.name != "worker-1"])

    monkeypatch.setattr(deployment.processes, "stop", stop_all_but_the_worker)
    code, document = drilled(monkeypatch, tmp_path, "master-killed", wanted=3)
    stop(left, grace=0)
    assert (code, document["drill"]["outcome"]) == (3, "not recovered")
    assert "still running: worker-1" in document["drill"]["reasons"]
