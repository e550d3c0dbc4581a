"""Local processes that outlive the call that started them. They are remembered by pid and start time.

A pid alone is not enough to stop a process a day later: the start time in /proc shows that it is still the same one.
The children of a process (of a server of several processes) are in its session, and are stopped with it.
"""

import atexit
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lab import folders, procfs
from lab.errors import EXIT_LAB_FAILED, writing

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None)


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


def start(
    name: str,
    command: Sequence[str],
    environ: Mapping[str, str],
    logs: Path,
    stop_signal: int,
    *,
    ends_with_lab: bool = False,
    log_in_memory: bool = False,
    folder: Path | None = None,
) -> Process:
    """Start a process in a session of its own, which Ctrl-C does not reach, with its output in logs/NAME.log.

    `ends_with_lab`: it gets its stop signal when this process ends, however that happens. `log_in_memory`: its output
    is kept in memory until `keep_log`. `folder`: where a program of the user's own starts: ours start where
    the user works, and find our packages.
    """
    log = _memory(name) if log_in_memory else logs / f"{name}.log"
    logs.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd=folder or folders.work(),
            env={**os.environ, **({} if folder else places()), **environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_lab(stop_signal) if ends_with_lab else None,
        )
    _CHILDREN[child.pid] = child
    return Process(name, child.pid, _start_time(child.pid) or 0, str(log), stop_signal)


def places() -> dict[str, str]:
    """Return where a process finds our packages, and the user's scenarios beside the built-in ones."""
    found = os.pathsep.join(folders.shown(folder) for folder in folders.both("locustfiles"))
    return {"PYTHONPATH": folders.python_path(), "HOLDFAST_LOCUSTFILES": found}


def _end_with_lab(stop_signal: int) -> Callable[[], None]:
    """Return what a child does before its program starts: it asks the kernel for a signal at its parent's end."""
    lab = os.getpid()

    def ask() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, stop_signal)
        if os.getppid() != lab:  # it has ended meanwhile
            os._exit(1)

    return ask


def _memory(name: str) -> Path:
    """Return the path of a new file in memory, which other processes can open while this one lives."""
    return Path(f"/proc/{os.getpid()}/fd/{os.memfd_create(name)}")


def keep_log(process: Process, logs: Path) -> None:
    """Write the log of an ended process to logs/NAME.log, if it is in this process's memory, and free the memory."""
    log = Path(process.log)
    if log.parent != Path(f"/proc/{os.getpid()}/fd"):
        return
    try:
        with writing(logs / f"{process.name}.log"):
            (logs / f"{process.name}.log").write_bytes(log.read_bytes())
    finally:
        os.close(int(log.name))


# The children of this call: they have to be reaped, and have an exit code.
_CHILDREN: dict[int, "subprocess.Popen[bytes]"] = {}


def exit_code(process: Process) -> int | None:
    """Exit code of a child of this call, or None while it runs; 1 for one of an earlier call that has ended."""
    child = _CHILDREN.get(process.pid)
    return child.poll() if child else None if process.alive() else EXIT_LAB_FAILED


def stop(processes: Sequence[Process], grace: float = 30.0) -> None:
    """Stop the processes, the last one first: each by its own signal, and by SIGKILL after `grace` seconds.

    The grace is the master's stop_grace_period in compose.yaml: it still writes the files of the run. They stop their
    own children; children that are still there after `grace` seconds are killed.
    """
    whole = [*processes, *members(processes)]
    for process in reversed(processes):
        _signal(process, process.stop_signal)
    deadline = time.monotonic() + grace
    while any(map(Process.alive, whole)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in whole:
        child = _CHILDREN.get(process.pid)
        if _signal(process, signal.SIGKILL) and child:
            child.wait()


@atexit.register
def _leave() -> None:
    """Forget the children that `up` leaves running; Python would warn of each that it was not waited for."""
    for child in _CHILDREN.values():
        if child.poll() is None:
            child.returncode = 0


def signal_all(processes: Sequence[Process], number: int) -> None:
    """Send a signal to these processes and the other members of their sessions; those that have ended are left out."""
    for process in [*processes, *members(processes)]:
        _signal(process, number)


def members(processes: Sequence[Process]) -> list[Process]:
    """Return the other members of the processes' sessions."""
    leaders = {process.pid: process for process in processes if process.alive()}
    found = []
    for pid in (int(folder.name) for folder in Path("/proc").glob("[0-9]*")):
        stat = procfs.stat(pid)
        leader = leaders.get(int(stat[3])) if stat else None
        if leader and pid != leader.pid:
            found.append(replace(leader, pid=pid, started=int(stat[19])))
    return found


def _signal(process: Process, number: int) -> bool:
    """Send it a signal; return whether it was still there."""
    if not process.alive():
        return False
    with contextlib.suppress(ProcessLookupError):  # it has ended since the line above
        os.kill(process.pid, number)
    return True


def _start_time(pid: int) -> int | None:
    child = _CHILDREN.get(pid)
    return None if child is not None and child.poll() is not None else procfs.start_time(pid)


def save(processes: Sequence[Process], file: Path) -> None:
    """Write the processes to a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(process) for process in processes], indent=1))


def load(file: Path) -> list[Process]:
    """Read the processes from a file, without those that have ended."""
    return [process for process in load_all(file) if process.alive()]


def load_all(file: Path) -> list[Process]:
    """Read the processes from a file, with those that have ended."""
    if not file.exists():
        return []
    with contextlib.suppress(ValueError):  # cut off by a full disk
        return [Process(**entry) for entry in json.loads(file.read_text())]
    return []
