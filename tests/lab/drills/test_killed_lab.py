"""A lab that is killed in the middle of a drill leaves nothing behind: no process, frozen or not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lab import folders
from tests.support import lab
from tests.support.drilled import USUAL

SOON_S = 60.0


def _there(folder: Path) -> list[str]:
    """Return the processes whose working directory is this folder, with their states."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if (each / "cwd").readlink() == folder:
                found.append(f"{each.name} {(each / 'stat').read_text().split(') ')[1][0]}")
        except (OSError, IndexError):
            continue
    return found


def test_server_that_a_killed_lab_has_frozen_ends(tmp_path: Path) -> None:
    environ = lab.environment({**USUAL, "FOR": "300s", "PYTHONPATH": folders.python_path()})
    words = [sys.executable, "-m", "lab", "drill", "server-frozen"]
    with subprocess.Popen(words, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        deadline = time.monotonic() + SOON_S
        assert any(line.startswith("Drill server-frozen") for line in process.stderr), "it did not begin"
        while not any(each.endswith(" T") for each in _there(tmp_path)):
            assert time.monotonic() < deadline, _there(tmp_path)
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + SOON_S
    while left := _there(tmp_path):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
