"""The watchdog heals when its lab has ended, or stays for too long; and leaves alone what the lab has healed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import folders, procfs
from lab.drills.lease import Undo, command, heal, lease
from lab.engines.docker import client

SOON_S = 30.0
HOLDS = """
import sys, time
from lab.drills.lease import lease
with lease([{"kind": "resume", "pid": int(sys.argv[1]), "started": int(sys.argv[2])}], 300):
    print("held", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def frozen() -> Iterator[int]:
    """A process that is stopped."""
    with subprocess.Popen(["sleep", "300"]) as process:
        os.kill(process.pid, signal.SIGSTOP)
        _wait_for(process.pid, "T")
        yield process.pid
        process.kill()


def _undo(pid: int) -> Undo:
    return {"kind": "resume", "pid": pid, "started": procfs.start_time(pid)}


def _wait_for(pid: int, state: str) -> None:
    deadline = time.monotonic() + SOON_S
    while procfs.stat(pid)[0] != state:
        assert time.monotonic() < deadline, procfs.stat(pid)
        time.sleep(0.02)


def test_lab_that_is_killed(frozen: int) -> None:
    environ = {**os.environ, "PYTHONPATH": folders.python_path()}
    words = [sys.executable, "-c", HOLDS, str(frozen), str(procfs.start_time(frozen))]
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE) as lab:
        assert lab.stdout
        assert lab.stdout.readline() == b"held\n"
        assert procfs.stat(frozen)[0] == "T"
        lab.kill()
        _wait_for(frozen, "S")


def test_lease_that_is_over_while_the_lab_hangs(frozen: int) -> None:
    with lease([_undo(frozen)], 0.01):
        _wait_for(frozen, "S")


def test_fault_that_the_lab_has_healed_is_left_alone(tmp_path: Path) -> None:
    with lease([command("touch", str(tmp_path / "undone"))], 300):
        pass
    assert not (tmp_path / "undone").exists()


def test_drill_that_raises_is_healed(frozen: int) -> None:
    with pytest.raises(ZeroDivisionError), lease([_undo(frozen)], 300):
        _ = 1 / 0
    _wait_for(frozen, "S")


def test_each_step_is_tried_and_a_later_process_of_that_pid_is_left_alone(frozen: int, tmp_path: Path) -> None:
    later = {**_undo(frozen), "started": 1}
    heal([{"kind": "unknown"}, command("no-such-program"), later, command("touch", str(tmp_path / "undone"))])
    assert (tmp_path / "undone").exists()
    assert procfs.stat(frozen)[0] == "T"


def test_container_is_unpaused(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Engine:
        def __init__(self) -> None:
            self.containers = self

        def get(self, name: str) -> "Engine":
            said.append(name)
            return self

        def unpause(self) -> None:
            said.append("unpaused")

    monkeypatch.setattr(client, "connect", Engine)
    heal([{"kind": "unpause", "container": "abc"}])
    assert said == ["abc", "unpaused"]
