"""What drills by shortages share: the limits of the server's processes and container, and what it uses."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from lab.drills.drill import DOCKER, Stage
from lab.engines.docker.container import ContainerPart
from lab.errors import LabError

PROGRAM = Path(__file__).with_name("descriptors.py")
COMMAND_S = 60.0
_CPU = re.compile(r"^(?:process_cpu_seconds_total|holdfast_server_process_cpu_seconds_total\{[^}]*\}) (\S+)$", re.M)


def container(stage: Stage) -> ContainerPart:
    """Return the server's container."""
    return cast(ContainerPart, stage.parts("server")[0])


def limits_command(stage: Stage, what: str, *words: str) -> list[str]:
    """Return a command that runs descriptors.py beside the server's processes."""
    program = ["-I", "-c", PROGRAM.read_text(encoding="utf-8"), what, *words]
    if stage.engine == DOCKER:
        return ["docker", "exec", container(stage).id, "python3", *program]
    pids = [] if what == "restore" else [str(undo["pid"]) for undo in stage.parts("server")[0].thaw_by_others()]
    return [sys.executable, *program, *pids]


def update(stage: Stage, *flags: str) -> list[str]:
    """Return the command with which the engine changes a limit of the server's container."""
    return ["docker", "update", *flags, container(stage).id]


def output(command: Sequence[str]) -> str:
    """Return what a command prints. Raises LabError if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    if done.returncode:
        raise LabError(f"a limit of the server could not be read or set ({command[0]})", done.stdout + done.stderr)
    return done.stdout.strip()


class CpuUse:
    """How much CPU is used from now on. `seconds`: returns what was used until now, in seconds."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds, self._before, self._since = seconds, seconds(), time.monotonic()

    def cores(self) -> float:
        """Return how many cores were used since then."""
        return (self._seconds() - self._before) / (time.monotonic() - self._since)


def cpu_seconds(stage: Stage) -> float:
    """Return the CPU time that the processes of the lab's own server have used, as it says."""
    return sum(float(value) for value in _CPU.findall(stage.lab.server_metrics()))
