"""A server of several processes: its processes, their states, and ways to stop them."""

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
    """Return the pids of all child processes."""
    pid = server.process.pid
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def came_in(server: ServerProcess) -> float:
    """Return how many bytes it has read, once its processes wait: a process that does not run reads nothing either."""
    eventually(lambda: all(state(pid) == "S" for pid in pids(server).values()), "its processes wait")
    return server.metrics()['bytes_total{direction="in"}']


def state(pid: int) -> str:
    """Return the state of the process as a letter of proc(5): S it waits, T it is stopped, Z it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def gone(pid: int) -> bool:
    """Return whether the process has ended, even if it is not reaped yet."""
    return state(pid) == "Z"


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    """Stop a process, and continue it at the end."""
    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: state(pid) == "T", f"process {pid} is stopped")
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
