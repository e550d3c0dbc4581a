"""A pipe by which a parent learns that a child process is dying, before the child's clients learn it.

Strategy: only the child holds the write end. When the child ends, however that happens, Linux closes its descriptors
from the highest to the lowest (`close_files` queues them in the order of their numbers, `task_work_run` takes the last
one first). So the write end gets a number above all that connections can have: it closes before any of them. SIGCHLD
comes after all of them; by then clients have reconnected, and would be refused because of connections that no longer
exist.
"""

from __future__ import annotations

import fcntl
import os


class DeathPipe:
    """`parent_end` hangs up when the child dies; `child_end` is the child's descriptor, -1 if the parent closed it."""

    def __init__(self) -> None:
        self.parent_end, self.child_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def close_child_end(self) -> None:
        """Close the child's end in the parent, once the child has been forked."""
        if self.child_end >= 0:
            os.close(self.child_end)
            self.child_end = -1

    def move_child_end(self, above: int) -> None:
        """In the child: move its end to descriptor `above` or the next free one after it."""
        moved = fcntl.fcntl(self.child_end, fcntl.F_DUPFD_CLOEXEC, above)
        os.close(self.child_end)
        self.child_end = moved

    def close(self) -> None:
        """Close what is open in this process."""
        self.close_child_end()
        os.close(self.parent_end)
