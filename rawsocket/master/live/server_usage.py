"""CPU and memory of a server that runs in the place of the lab's own, which has no counters that we know.

HOLDFAST_SERVER_USAGE says where they come from. `engine`: the lab asks the engine of the containers, and puts the
answer into the folder of runs each second (lab/engines/docker/user_server/usage.py). A number is the id of the server's
process on this machine: it is read from /proc, with its children.

Rules:

- An answer that has not changed for STALE_S is not used: the server has ended, or the lab doesn't answer.
- CPU time counts from the server's start. Another start, or less CPU time, is a restart.
- Nothing here decides on a verdict, apart from the restart, which is an event and a cause.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
import psutil  # type: ignore[import-untyped]

from rawsocket.master.timeline import SERVER_CPU, SERVER_MEMORY
from rawsocket.settings.table import ENGINE

NAME = "server-usage.json"
INTERVAL_S = 1.0
STALE_S = 4.0  # the engine needs up to 2 s for its first record, and one may be lost
CHILDREN_S = 5.0  # between two looks for new children: it reads all of /proc


@dataclass(frozen=True)
class Usage:
    """What a server has used: seconds of CPU since it started, bytes of memory. `started` tells one start from another.

    `at` changes with each answer. `memory_limit`: bytes, 0 for none.
    """

    at: str
    started: str
    cpu_s: float
    memory: int
    memory_limit: int = 0


Source = Callable[[], Usage | None]


def from_file(folder: str) -> Source:
    """Return what reads the file that the lab writes; None: it is not there, or only half of it is."""
    file = Path(folder) / NAME

    def read() -> Usage | None:
        try:
            return Usage(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    return read


def from_process(pid: int, clock: Callable[[], float] = time.monotonic) -> Source:
    """Return what reads the figures of a process and its children; None once it has ended."""
    found: list[psutil.Process] = []
    looked_at = float("-inf")

    def read() -> Usage | None:
        nonlocal found, looked_at
        try:
            root = psutil.Process(pid)
            if clock() - looked_at >= CHILDREN_S:
                looked_at, found = clock(), root.children(recursive=True)
            if root.status() == psutil.STATUS_ZOMBIE:
                return None
            cpu_s, memory = _figures(root)
            started = str(root.create_time())
        except psutil.Error:
            return None
        for child in found:
            try:
                more_s, more = _figures(child)
            except psutil.Error:  # it has ended: its parent has its time
                continue
            cpu_s, memory = cpu_s + more_s, memory + more
        return Usage(str(clock()), started, cpu_s, memory)

    return read


def _figures(process: psutil.Process) -> tuple[float, int]:
    with process.oneshot():
        times, memory = process.cpu_times(), process.memory_info()
    return sum(times[:4]), int(memory.rss)  # its own, and those of children that have ended


def source(usage: str, runs: str) -> Source | None:
    """Return where the figures come from, as HOLDFAST_SERVER_USAGE says; None for nowhere."""
    if not usage:
        return None
    return from_file(runs) if usage == ENGINE else from_process(int(usage))


class ServerUsage:
    """The figures, read once a second; those of the current run, and the latest. `name`: what the server is."""

    def __init__(
        self,
        read: Source | None = None,
        kind: str = "",
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._kind = kind
        self._name = name
        self._clock = clock
        self._latest: Usage | None = None
        self._at = float("-inf")
        self._share: float | None = None
        self.begin_run()

    @classmethod
    def configured(cls, usage: str, runs: str, name: str) -> "ServerUsage":
        """Return that of a plan's settings."""
        return cls(source(usage, runs), usage if usage == ENGINE else "/proc", name)

    @property
    def present(self) -> bool:
        """Whether the settings say where the figures come from."""
        return self._read is not None

    def begin_run(self) -> None:
        """Forget what the run before this one has used."""
        self.restarts = 0
        self._began_at, self._used_s = self._clock(), 0.0
        self._highest_share, self._highest_memory = 0.0, self._latest.memory if self._latest else 0

    def run(self) -> None:
        """Read for ever."""
        while self.present:
            self.poll()
            gevent.sleep(INTERVAL_S)

    def poll(self) -> None:
        """Read once."""
        now, found = self._clock(), self._read() if self._read else None
        if found is None or (self._latest and found.at == self._latest.at):
            return
        before, since = self._latest, now - self._at
        self._latest, self._at = found, now
        self._highest_memory = max(self._highest_memory, found.memory)
        if before is None:
            return
        if found.started != before.started or found.cpu_s < before.cpu_s:
            self.restarts += 1
            self._share = None
            self._used_s += found.cpu_s
            return
        self._used_s += found.cpu_s - before.cpu_s
        if since > 0:
            self._share = (found.cpu_s - before.cpu_s) / since
            self._highest_share = max(self._highest_share, self._share)

    @property
    def _fresh(self) -> Usage | None:
        return self._latest if self._clock() - self._at < STALE_S else None

    def values(self) -> dict[str, float]:
        """Return the latest figures as columns of timeline.csv; none if they are too old."""
        found = self._fresh
        if found is None:
            return {}
        share = {} if self._share is None else {SERVER_CPU: round(self._share, 3)}
        return {**share, SERVER_MEMORY: found.memory}

    def state(self) -> dict[str, Any] | None:
        """Return the server's part of /lab/state.json; None without a source."""
        if not self.present:
            return None
        found = self._fresh
        return {
            "source": self._kind,
            "name": self._name,
            "cpu_share": round(self._share, 3) if found and self._share is not None else None,
            "memory_bytes": found.memory if found else None,
            "memory_limit_bytes": self._latest.memory_limit if self._latest else None,
            "restarts": self.restarts,
        }

    def in_run(self) -> dict[str, Any] | None:
        """Return the server's part of verdict.json: what it has used in this run; None if nothing is known of it."""
        if self._latest is None:
            return None
        seconds = self._at - self._began_at
        return {
            "source": self._kind,
            "name": self._name,
            "cpu_seconds": round(self._used_s, 3),
            "cpu_share_mean": round(self._used_s / seconds, 3) if seconds > 0 else None,
            "cpu_share_max": round(self._highest_share, 3),
            "memory_bytes": self._latest.memory,
            "memory_max_bytes": self._highest_memory,
            "memory_limit_bytes": self._latest.memory_limit or None,
            "restarts": self.restarts,
        }
