"""How a parent learns that one of its processes is dying, before anybody else does.

Strategy: a pipe whose far end only that process has. When it ends, however that comes, Linux lets go of its
descriptors from the highest to the lowest (`close_files` queues them in the order of their numbers, `task_work_run`
takes the last one first), so the far end is given a number above all that connections can have: it goes before any of
them. SIGCHLD comes after all of them; by then clients have long connected again, and would be told that the server is
full of connections which are no more.
"""

from __future__ import annotations

import fcntl
import os


class Lifeline:
    """`near` stays with the parent and hangs up when the process dies; `far` is the descriptor that the process has."""

    def __init__(self) -> None:
        self.near, self.far = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def is_held(self) -> None:
        """The process has been forked, and holds the far end: let go of it here."""
        if self.far >= 0:
            os.close(self.far)
            self.far = -1

    def take(self, above: int) -> None:
        """In the process: move the far end to `above` or the next free descriptor after it."""
        taken = fcntl.fcntl(self.far, fcntl.F_DUPFD_CLOEXEC, above)
        os.close(self.far)
        self.far = taken

    def close(self) -> None:
        """Close what is open here."""
        self.is_held()
        os.close(self.near)
