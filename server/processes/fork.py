"""Forking a process whose state is clean: its signals, its descriptors, and its end.

Rules:

- Signals are blocked around the fork: one that comes before the child has handlers of its own must not run the
  parent's.
- A child starts with the default handlers, but ignores SIGINT: Ctrl-C in a terminal goes to the whole group, and the
  parent decides what it means.
- A child has none of the parent's descriptors except the first three and those that it names (as with `subprocess`): a
  connection that another process keeps open never ends for its client.
- A child does not outlive its parent: the kernel sends it a signal when the parent dies, however that happens. The
  signal is SIGCONT, so that it also reaches a stopped child.
- A child does not unwind the parent's stack: it ends by `_exit`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable, Collection
from types import FrameType
from typing import NoReturn

#: prctl(2): the signal that the kernel sends to a process when its parent dies.
PR_SET_PDEATHSIG = 1

_BLOCKED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


def fork(name: str, run: Callable[[], None], grace: float) -> int:
    """Call `run` in a new process; return its pid. It exits with 0, or with 1 after an error.

    `name` is shown with an error. `grace` is how many seconds the process may run after its parent has died.
    """
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _BLOCKED_SIGNALS)
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
        _end_with_parent(parent, grace)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        run()
        code = 0
    except BaseException:
        sys.stderr.write(f"{name}: {traceback.format_exc()}")  # One write: other processes write there as well.
    finally:
        sys.stderr.flush()
        os._exit(code)


def _end_with_parent(parent: int, grace: float) -> None:
    """End this process `grace` seconds after its parent at the latest, whatever it does then."""

    def on_sigcont(number: int, frame: FrameType | None) -> None:
        if os.getppid() != parent:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, grace)

    if grace:
        signal.signal(signal.SIGCONT, on_sigcont)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGCONT if grace else signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # The parent died before the kernel knew about the signal.


def close_descriptors_except(*descriptors: int) -> None:
    """Close all descriptors of this process except standard input, output, error and these.

    Objects that hold the others must not be used from now on: closing their number again would close another file.
    """
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd > 2 and fd not in descriptors:
            try:
                os.close(fd)
            except OSError:
                continue  # The listing's own descriptor.
