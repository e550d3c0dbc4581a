"""select, poll and epoll behind the one small interface that the loop needs.

Strategy: interest is set when it changes, which is rare; `wait` is called all the time and does next to nothing. Rules:

- Descriptors are ints. A socket object would be asked for its fileno() on every call, 0.06 us each.
- select gets cached lists, rebuilt only after a change, and empty tuples for the sets that are not used.
- A descriptor from `wall` on can't be watched, and one bad descriptor poisons select's whole call: `watch` refuses it.
- All are level-triggered: what was not read or written this turn is reported again in the next.
"""

from __future__ import annotations

import math
import select
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

#: FD_SETSIZE of the C library. CPython gives no way to ask; glibc and musl both fix it at compile time.
SELECT_WALL = 1024

_READ = select.EPOLLIN
_WRITE = select.EPOLLOUT
_BOTH = _READ | _WRITE


class Poller(Protocol):
    """Waits for any of its descriptors. `wall` is the first descriptor number that it can't watch, None: no wall."""

    wall: int | None

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for just these; neither: leave it in peace. Raise ValueError at the wall or beyond."""
        ...

    def forget(self, fd: int) -> None:
        """Stop watching `fd`, which must still be open; no error where it was not watched."""
        ...

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the descriptors to read and those to write."""
        ...

    def close(self) -> None:
        """Give back what the poller itself holds."""
        ...


class SelectPoller:
    """`select.select` itself."""

    wall: int | None = SELECT_WALL

    def __init__(self) -> None:
        self._reading: set[int] = set()
        self._writing: set[int] = set()
        self._read_list: Sequence[int] = ()
        self._write_list: Sequence[int] = ()

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for just these. Raise ValueError for a descriptor that select can't take."""
        if not 0 <= fd < SELECT_WALL:
            raise ValueError(f"select can't watch descriptor {fd}")
        if read != (fd in self._reading):
            self._reading.symmetric_difference_update((fd,))
            self._read_list = ()
        if write != (fd in self._writing):
            self._writing.symmetric_difference_update((fd,))
            self._write_list = ()

    def forget(self, fd: int) -> None:
        """Stop watching `fd`."""
        if fd in self._reading:
            self._reading.remove(fd)
            self._read_list = ()
        if fd in self._writing:
            self._writing.remove(fd)
            self._write_list = ()

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the descriptors to read and those to write."""
        # An empty list and a stale one look the same; building an empty list again costs nothing.
        reading = self._read_list
        if not reading:
            reading = self._read_list = list(self._reading)
        writing = self._write_list
        if not writing and self._writing:
            writing = self._write_list = list(self._writing)
        readable, writable, _ = select.select(reading, writing, (), timeout)
        return readable, writable

    def close(self) -> None:
        """Select holds nothing."""


class PollPoller:
    """`select.poll`. Interest is kept by the poll object; the kernel is given all of it in each call."""

    wall: int | None = None

    def __init__(self) -> None:
        self._poll = select.poll()
        self._masks: dict[int, int] = {}

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for just these."""
        mask = (_READ if read else 0) | (_WRITE if write else 0)
        if not mask:
            self.forget(fd)
        elif self._masks.get(fd) != mask:
            self._poll.register(fd, mask)
            self._masks[fd] = mask

    def forget(self, fd: int) -> None:
        """Stop watching `fd`."""
        if self._masks.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the descriptors to read and those to write."""
        # Rounded up: a wait that ends too early would be repeated until the time has come.
        return _sorted(self._poll.poll(math.ceil(timeout * 1000)), self._masks)

    def close(self) -> None:
        """Poll holds nothing."""


class EpollPoller:
    """`select.epoll`, level-triggered. Costs a system call when interest changes, and none for who is silent."""

    wall: int | None = None

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._masks: dict[int, int] = {}

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for just these."""
        mask = (_READ if read else 0) | (_WRITE if write else 0)
        known = self._masks.get(fd)
        if not mask:
            self.forget(fd)
        elif known is None:
            self._epoll.register(fd, mask)
            self._masks[fd] = mask
        elif known != mask:
            self._epoll.modify(fd, mask)
            self._masks[fd] = mask

    def forget(self, fd: int) -> None:
        """Stop watching `fd`."""
        if self._masks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the descriptors to read and those to write."""
        return _sorted(self._epoll.poll(timeout), self._masks)

    def close(self) -> None:
        """Close the epoll descriptor."""
        self._epoll.close()


def _sorted(events: Iterable[tuple[int, int]], masks: Mapping[int, int]) -> tuple[Sequence[int], Sequence[int]]:
    """Return the descriptors to read and those to write, of what poll or epoll reports (their bits are the same)."""
    readable: list[int] = []
    writable: list[int] = []
    for fd, event in events:
        if event & _READ:
            readable.append(fd)
        if event & _WRITE:
            writable.append(fd)
        if not event & _BOTH:
            # An error or a hang-up alone, which nobody can decline: whoever is asked next will be told of it.
            (writable if masks[fd] & _WRITE else readable).append(fd)
    return readable, writable
