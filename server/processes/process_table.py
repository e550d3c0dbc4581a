"""Processes: forked, known by their place, reaped, and begun anew.

Strategy: everything is imported and set up once, then each process is a fork that shares that memory until it writes.
Who forks has no thread (a fork copies locks that other threads hold, and nobody would ever release them) and learns
through SIGCHLD at once that a process has ended. Rules:

- Signals are blocked around the fork: one that comes before the child has handlers of its own must not go through the
  parent's.
- A child begins with the system's own handlers, but without SIGINT: Ctrl-C in a terminal goes to the whole group, and
  it is the parent that decides what it means.
- A child has none of the parent's descriptors but the first three and those that it names (as `subprocess` does): a
  connection that somebody else keeps open never ends for its client.
- A child does not outlive its parent: the kernel sends it a signal when the parent dies, however that dies. The signal
  is SIGCONT, so a child that was stopped gets to it, too.
- Nothing of the parent is unwound in a child: it ends by `_exit`.
- A place whose process ends is filled again at once, but at most once a second; where one process after the other
  ends with an error before a second is over, less and less often.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from time import monotonic
from types import FrameType
from typing import NoReturn

from server.monitoring.log import LogRing

#: Seconds from one beginning at a place to the next; doubled up to the longest with each that fails at once.
PACE_SECONDS = 1.0
LONGEST_PACE_SECONDS = 30.0

#: prctl(2): the signal that the kernel sends to a process when its parent dies.
PR_SET_PDEATHSIG = 1

_HELD_BACK = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class Place:
    """What one process is there for, and who does it: `pid` is 0 while nobody does. Times are monotonic seconds.

    `run` is called in the process; it begins by letting go of what it does not need (`keep_only`). `prepare` is called
    before each fork, and may raise OSError. `grace` is how many seconds it may go on after its parent has died.
    """

    def __init__(
        self, name: str, run: Callable[[], None], prepare: Callable[[], None] = lambda: None, grace: float = 0.0
    ) -> None:
        self.name = name
        self.run = run
        self.prepare = prepare
        self.grace = grace
        self.pid = 0
        self.times = 0
        self.begun_at = 0.0
        self.pace = PACE_SECONDS
        self.failing = False

    @property
    def due_at(self) -> float:
        """From when on a process may be begun here."""
        return self.begun_at + self.pace if self.begun_at else 0.0

    def ended(self, code: int) -> None:
        """Its process has ended with `code`."""
        self.pid = 0
        failed = code > 0 and monotonic() < self.begun_at + PACE_SECONDS
        self.pace = min(2 * self.pace, LONGEST_PACE_SECONDS) if failed else PACE_SECONDS


class Processes:
    """Those that this process has begun. For a process without threads."""

    def __init__(self, log: LogRing) -> None:
        self._log = log
        self._by_pid: dict[int, Place] = {}

    def begin(self, place: Place) -> bool:
        """Begin a process at `place`; return whether that worked. From `place.due_at` on it may be done again."""
        try:
            place.prepare()
            place.pid = fork(place.name, place.run, place.grace)
        except OSError as problem:
            if not place.failing:
                self._log.error("%s can't begin, and is tried again every second: %s", place.name, problem.strerror)
            place.failing = True
            return False
        finally:
            place.begun_at = monotonic()
        place.failing = False
        place.times += 1
        self._by_pid[place.pid] = place
        return True

    def reap(self) -> Iterator[tuple[Place, int, int]]:
        """Yield place, pid and exit code (negative: the signal) of each that has ended. Its place is free."""
        while self._by_pid:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            # As process 1 of a container this one inherits orphans, which it only has to bury.
            if (place := self._by_pid.pop(pid, None)) is not None:
                code = os.waitstatus_to_exitcode(status)
                place.ended(code)
                yield place, pid, code

    def kill(self) -> None:
        """Kill those that are left, and wait for their end."""
        for pid in self._by_pid:
            os.kill(pid, signal.SIGKILL)  # It is there: who has ended stays until it is reaped.
            os.waitpid(pid, 0)
        self._by_pid.clear()


def ending(code: int) -> str:
    """Return an exit code in words: that of `reap`."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def fork(name: str, run: Callable[[], None], grace: float) -> int:
    """Have `run` called in a process of its own; return its pid. It ends with 0, or with 1 after an error.

    `name` is what it is called where that error is shown.
    """
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    try:
        pid = os.fork()
        if not pid:
            _be_child(name, run, grace, parent, before)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be_child(name: str, run: Callable[[], None], grace: float, parent: int, mask: Collection[int]) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _end_with(parent, grace)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        run()
        code = 0
    except BaseException:
        sys.stderr.write(f"{name}: {traceback.format_exc()}")  # In one piece: others write there, too.
    finally:
        sys.stderr.flush()
        os._exit(code)


def _end_with(parent: int, grace: float) -> None:
    """Have this process end `grace` seconds after its parent at the latest, whatever it does then."""

    def on_sigcont(number: int, frame: FrameType | None) -> None:
        if os.getppid() != parent:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, grace)

    if grace:
        signal.signal(signal.SIGCONT, on_sigcont)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGCONT if grace else signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # It died before the kernel knew whom to tell.


def keep_only(*descriptors: int) -> None:
    """Close all descriptors of this process but standard input, output, error and these.

    Objects that hold the others must be left alone from now on: a number that is closed twice is somebody else's the
    second time.
    """
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd > 2 and fd not in descriptors:
            try:
                os.close(fd)
            except OSError:
                continue  # The listing's own.
