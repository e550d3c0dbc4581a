"""A server of several processes, as a test looks at it and does it harm."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.server_process import ServerProcess
from tests.support.sockets import eventually

_OF_EACH = re.compile(r'process_(\w+)\{process="(\d+)"\}')


def of_each(metrics: dict[str, float], name: str) -> dict[int, float]:
    """Return the figure `name` of each process by its number."""
    found = ((_OF_EACH.fullmatch(key), value) for key, value in metrics.items())
    return {int(match[2]): value for match, value in found if match is not None and match[1] == name}


def pids(server: ServerProcess) -> dict[int, int]:
    """Return the pid of each process that serves, by its number."""
    return {number: int(pid) for number, pid in of_each(server.metrics(), "pid").items()}


def children(server: ServerProcess) -> set[int]:
    """Return the pids of all processes below the one that began."""
    pid = server.process.pid
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def gone(pid: int) -> bool:
    """Return whether the process has ended; who is left of it waits to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def stopped(pid: int) -> bool:
    """Return whether the process has been stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Stop a process, and have it go on in the end."""
    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: stopped(pid), f"process {pid} stands still")
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
