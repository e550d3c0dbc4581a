"""Child processes by slot: started, reaped, and restarted.

Strategy: everything is imported and set up once; then each process is a fork that shares that memory until it writes.
The forking process has no threads (a fork copies locks that other threads hold, and nothing would ever release them),
and learns at once, by SIGCHLD, that a child has ended.

A slot whose process has ended is filled again at once, but at most once a second. If one process after the other fails
within a second of its start, the delay doubles each time.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from time import monotonic

from server.monitoring.log import LogRing
from server.processes.fork import fork

#: Seconds from one start in a slot to the next; doubled, up to the maximum, with each process that fails at once.
RESTART_DELAY_SECONDS = 1.0
MAX_RESTART_DELAY_SECONDS = 30.0


class ProcessSlot:
    """A role and the process that has it: `pid` is 0 while there is none. Times are monotonic seconds.

    `run` is called in the process; it first closes the descriptors that it does not need (`close_descriptors_except`).
    `prepare` is called before each fork, and may raise OSError. `grace` is how many seconds the process may run after
    its parent has died. `starts` is how often it was started.
    """

    def __init__(
        self, name: str, run: Callable[[], None], prepare: Callable[[], None] = lambda: None, grace: float = 0.0
    ) -> None:
        self.name = name
        self.run = run
        self.prepare = prepare
        self.grace = grace
        self.pid = 0
        self.starts = 0
        self.started_at = 0.0
        self.restart_delay = RESTART_DELAY_SECONDS
        self.start_failed = False

    @property
    def next_start_at(self) -> float:
        """When the next process may be started."""
        return self.started_at + self.restart_delay if self.started_at else 0.0

    def record_exit(self, code: int) -> None:
        """Free the slot: its process has exited with `code`."""
        self.pid = 0
        failed = code > 0 and monotonic() < self.started_at + RESTART_DELAY_SECONDS
        doubled = min(2 * self.restart_delay, MAX_RESTART_DELAY_SECONDS)
        self.restart_delay = doubled if failed else RESTART_DELAY_SECONDS


class ProcessTable:
    """The child processes of this process, which must have no threads."""

    def __init__(self, log: LogRing) -> None:
        self._log = log
        self._by_pid: dict[int, ProcessSlot] = {}

    def start(self, slot: ProcessSlot) -> bool:
        """Start a process in `slot`; return whether that worked. The next attempt is due at `slot.next_start_at`."""
        try:
            slot.prepare()
            slot.pid = fork(slot.name, slot.run, slot.grace)
        except OSError as error:
            if not slot.start_failed:
                self._log.error("%s can't start; retrying every second: %s", slot.name, error.strerror)
            slot.start_failed = True
            return False
        finally:
            slot.started_at = monotonic()
        slot.start_failed = False
        slot.starts += 1
        self._by_pid[slot.pid] = slot
        return True

    def reap(self) -> Iterator[tuple[ProcessSlot, int, int]]:
        """Yield slot, pid and exit code (negative: the signal) of each process that has ended. Its slot is free."""
        while self._by_pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            # As process 1 of a container this one inherits orphans, which are reaped and ignored.
            if (slot := self._by_pid.pop(pid, None)) is not None:
                code = os.waitstatus_to_exitcode(status)
                slot.record_exit(code)
                yield slot, pid, code

    def kill_all(self) -> None:
        """Kill the remaining processes, and wait for their end."""
        for pid in self._by_pid:
            os.kill(pid, signal.SIGKILL)  # The pid exists: an ended process stays until it is reaped.
            os.waitpid(pid, 0)
        self._by_pid.clear()


def describe_exit(code: int) -> str:
    """Return an exit code, as `reap` yields it, in words."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
