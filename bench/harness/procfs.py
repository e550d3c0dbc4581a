"""Figures of a process and of the host from /proc (Linux): CPU time, memory, steal time.

CPU times are counted in ticks of 10 ms; a figure over a window of seconds is exact to a percent or better.
"""

import contextlib
import os
import resource
import time
from pathlib import Path

from lab.errors import LabError

PROC = Path("/proc")
TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_BUSY, _STOLEN = (0, 1, 2, 5, 6), 7  # user, nice, system, irq, softirq; steal (proc(5), /proc/stat)


def cpu_s(pid: int, proc: Path = PROC) -> float:
    """Return the CPU seconds that the process has used, in user and kernel space; ended threads included."""
    fields = _of_process(proc / str(pid) / "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def sleeps(pid: int, proc: Path = PROC) -> bool:
    """Whether the process's main thread sleeps (and does not wait for a CPU or a disk)."""
    return _of_process(proc / str(pid) / "stat").rpartition(")")[2].split()[0] == "S"


def rss_kb(pid: int, proc: Path = PROC) -> int:
    """Return the user memory of the process, in KB."""
    return _smaps_kb(pid, "Rss:", proc)


def pss_kb(pid: int, proc: Path = PROC) -> int:
    """Return the user memory of the process, in KB; a page shared by n processes counts 1/n in each."""
    return _smaps_kb(pid, "Pss:", proc)


def _smaps_kb(pid: int, key: str, proc: Path) -> int:
    for line in _of_process(proc / str(pid) / "smaps_rollup").splitlines():
        if line.startswith(key):
            return int(line.split()[1])
    raise LabError(f"process {pid} has ended")


def descriptors(pid: int, proc: Path = PROC) -> int:
    """Return how many descriptors the process has open. Raises LabError if it has ended."""
    try:
        return sum(1 for _ in (proc / str(pid) / "fd").iterdir())
    except OSError as error:
        raise LabError(f"the descriptors of process {pid} can't be counted: {error.strerror}") from None


def stolen_s(proc: Path = PROC) -> float:
    """Return the CPU seconds that the host has stolen from this machine since it was started, all CPUs together."""
    return _cpu_line(proc)[_STOLEN] * TICK_S


class HostUsage:
    """The time since this object was made: its length, and how busy the machine was. Shares are of one core."""

    def __init__(self) -> None:
        self._stolen_s, self._busy_s, self._at = stolen_s(), busy_s(), time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds until now."""
        return time.monotonic() - self._at

    @property
    def stolen(self) -> float:
        """CPU time that the host stole until now, as a share of one core."""
        return (stolen_s() - self._stolen_s) / self.seconds

    @property
    def busy(self) -> float:
        """How many cores were busy until now, with any process."""
        return (busy_s() - self._busy_s) / self.seconds


def busy_s(proc: Path = PROC) -> float:
    """Return the CPU seconds that this machine has worked since it was started, all CPUs and processes together."""
    ticks = _cpu_line(proc)
    return sum(ticks[column] for column in _BUSY) * TICK_S


def child(pid: int, name: str, proc: Path = PROC) -> int:
    """Return the pid of a child of that name, started by the main thread of a process; 0 if there is none."""
    for word in _of_process(proc / str(pid) / "task" / str(pid) / "children").split():
        comm = proc / word / "comm"
        if comm.exists() and comm.read_text().strip() == name:
            return int(word)
    return 0


def children(pid: int, proc: Path = PROC) -> list[int]:
    """Return the pids of the children of a process that have not ended, whichever thread started them."""
    found: list[int] = []
    for thread in sorted((proc / str(pid) / "task").glob("*/children")):
        with contextlib.suppress(OSError):  # a thread that has ended since
            found += map(int, thread.read_text().split())
    return found


def raise_descriptors() -> int:
    """Raise the soft descriptor limit of this process, and of those it starts, to the hard one; return the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _of_process(file: Path) -> str:
    try:
        return file.read_text()
    except OSError as error:
        raise LabError(f"{file} can't be read: {error.strerror}; has the process ended?") from None


def _cpu_line(proc: Path) -> list[int]:
    first = (proc / "stat").read_text().partition("\n")[0].split()
    return [int(word) for word in first[1:]]
