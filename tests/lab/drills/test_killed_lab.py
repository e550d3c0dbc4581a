"""A lab that is killed in the middle of a drill leaves nothing behind: no process, frozen or not.

`make drill-kills` does this at ten moments of each drill; here is one of them, and what it would find.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab import folders
from tests.drill_kills import __main__ as drill_kills
from tests.drill_kills import left
from tests.support import lab
from tests.support.drilled import USUAL

SOON_S = 60.0


def test_server_that_a_killed_lab_has_frozen_ends(tmp_path: Path) -> None:
    environ = lab.environment({**USUAL, "FOR": "300s", "PYTHONPATH": folders.python_path()})
    words = [sys.executable, "-m", "lab", "drill", "server-frozen"]
    with subprocess.Popen(words, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        deadline = time.monotonic() + SOON_S
        assert any(line.startswith("Drill server-frozen") for line in process.stderr), "it did not begin"
        while "T" not in left.processes(tmp_path).values():
            assert time.monotonic() < deadline, left.processes(tmp_path)
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + SOON_S
    while there := left.processes(tmp_path):
        assert time.monotonic() < deadline, there
        time.sleep(0.1)


def test_stopped_process_and_lowered_limit_would_be_found(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"], cwd=tmp_path) as sleeper:
        try:
            before = left.limits(tmp_path)
            assert list(before) == [str(sleeper.pid)]
            assert left.behind(tmp_path, before) == []
            usual = resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE, (usual[0] - 1, usual[1]))
            sleeper.send_signal(signal.SIGSTOP)
            os.waitpid(sleeper.pid, os.WUNTRACED)
            stopped, lowered = left.behind(tmp_path, before)
            assert stopped == f"process {sleeper.pid} is stopped"
            assert lowered.startswith(f"{sleeper.pid}: ")
        finally:
            sleeper.kill()


def test_paused_container_rule_helper_and_limit_would_be_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def container(image: str, paused: bool, memory: int) -> dict[str, object]:
        state = {"Paused": paused, "Pid": 7}
        return {"Id": image, "Name": f"/{image}-1", "State": state, "HostConfig": {"Memory": memory},
                "Config": {"Image": image}}  # fmt: skip

    there = [container("server", False, 9)]

    def said(*command: str) -> str:
        known = {"ps": "an id", "inspect": json.dumps(there), "list": rules, "qdisc": queues}
        return next((text for word, text in known.items() if word in command), "PID")

    rules, queues = "table ip filter\n", "qdisc noqueue 0: dev lo root\n"
    monkeypatch.setattr(left, "_said", said)
    before = left.limits(tmp_path)
    assert left.behind(tmp_path, before) == []
    rules, queues = "table inet holdfast_drill\n", "qdisc tbf d111: dev eth0 root\n"
    there[:] = [container("server", True, 5), container("holdfast-tools:x", False, 9)]
    found = left.behind(tmp_path, before)
    assert found[:3] == ["server-1 is paused", f"server-1: {rules.strip()}", f"server-1: {queues.strip()}"]
    assert "holdfast-tools:x-1 is a helper" in found
    assert found[-1].startswith("server: {'Memory': 5")


def test_unknown_drill_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NAME", "server-frozn")
    assert drill_kills.main() == 2
    assert capsys.readouterr().err.startswith("NAME=server-frozn: expected some of server-frozen, ")
