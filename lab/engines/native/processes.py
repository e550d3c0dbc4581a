"""Local processes that outlive the call that started them. They are remembered by pid and start time.

A pid alone is not enough to stop a process a day later: the start time in /proc shows that it is still the same one.
The children of a process (of a server of several processes) are in its session, and are stopped with it.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lab.settings import ROOT


@dataclass(frozen=True)
class Process:
    """One process: its name, pid, start time (clock ticks since boot), log and the signal that stops it."""

    name: str
    pid: int
    started: int
    log: str
    stop_signal: int

    def alive(self) -> bool:
        """Whether it still runs, and is the one that was started."""
        return _start_time(self.pid) == self.started

    def text(self) -> str:
        """Return its log so far."""
        return Path(self.log).read_text(errors="replace")


def start(name: str, command: Sequence[str], environ: Mapping[str, str], logs: Path, stop_signal: int) -> Process:
    """Start a process in a session of its own, which Ctrl-C does not reach, with its output in logs/NAME.log."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _CHILDREN[child.pid] = child
    return Process(name, child.pid, _start_time(child.pid) or 0, str(log), stop_signal)


# The children of this call: they have to be reaped, and have an exit code.
_CHILDREN: dict[int, "subprocess.Popen[bytes]"] = {}


def exit_code(process: Process) -> int | None:
    """Exit code of a child of this call, or None while it runs."""
    return _CHILDREN[process.pid].poll()


def stop(processes: Sequence[Process], grace: float = 30.0) -> None:
    """Stop the processes, the last one first: each by its own signal, and by SIGKILL after `grace` seconds.

    The grace is the master's stop_grace_period in compose.yaml: it still writes the files of the run. They stop their
    own children; children that are still there after `grace` seconds are killed.
    """
    whole = [*processes, *_children(processes)]
    for process in reversed(processes):
        _signal(process, process.stop_signal)
    deadline = time.monotonic() + grace
    while any(map(Process.alive, whole)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in whole:
        _signal(process, signal.SIGKILL)


def _children(processes: Sequence[Process]) -> list[Process]:
    """Return the other members of the processes' sessions."""
    leaders = {process.pid: process for process in processes if process.alive()}
    found = []
    for pid in (int(folder.name) for folder in Path("/proc").glob("[0-9]*")):
        stat = _stat(pid)
        leader = leaders.get(int(stat[3])) if stat else None
        if leader and pid != leader.pid:
            found.append(replace(leader, pid=pid, started=int(stat[19])))
    return found


def _signal(process: Process, number: int) -> None:
    if process.alive():
        with contextlib.suppress(ProcessLookupError):  # it has ended since the line above
            os.kill(process.pid, number)


def _start_time(pid: int) -> int | None:
    child = _CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        return None
    stat = _stat(pid)
    return None if not stat or stat[0] == "Z" else int(stat[19])


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on (state, parent, ...), none if it has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def save(processes: Sequence[Process], file: Path) -> None:
    """Write the processes to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(process) for process in processes], indent=1))


def load(file: Path) -> list[Process]:
    """Read the processes from a file, without those that have ended."""
    if not file.exists():
        return []
    return [process for process in (Process(**entry) for entry in json.loads(file.read_text())) if process.alive()]
