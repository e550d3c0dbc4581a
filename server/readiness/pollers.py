"""select, poll and epoll behind one small interface.

Strategy: interest is set when it changes, which is rare; `wait` is called all the time and does next to nothing. Rules:

- Descriptors are ints. For a socket object, the kernel call would ask for its fileno() each time, 0.06 us each.
- select gets cached lists, rebuilt only after a change, and empty tuples for unused sets.
- A descriptor from `fd_setsize` on can't be watched, and one bad descriptor makes select's whole call fail: `watch`
  refuses it.
- All are level-triggered: what was not read or written in this turn is reported again in the next.
"""

from __future__ import annotations

import math
import select
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Protocol

from server.interfaces import Watcher

#: FD_SETSIZE of the C library. CPython has no way to ask; glibc and musl both fix it at compile time.
FD_SETSIZE = 1024

#: Seconds between two full scans while select scans a hot set; a message outside it waits at most so long.
FULL_SCAN_SECONDS = 0.001

#: With fewer descriptors a full scan is too cheap to be worth avoiding.
MIN_FOR_HOT_SET = 128

#: Calls in the time of one full scan that start the hot set, and that keep it: each call of the hot set saves a full
#: scan, and each full scan is one more call.
CALLS_TO_START = 3
CALLS_TO_STAY = 1.5
CALLS_BETWEEN_CHECKS = 64
SCANS_PER_GENERATION = 32

#: After a hot set did not pay off, the next attempt comes so much later.
RETRY_SECONDS = 0.25

_READ = select.EPOLLIN
_WRITE = select.EPOLLOUT
_BOTH = _READ | _WRITE


class Poller(Watcher, Protocol):
    """Waits for any of its descriptors."""

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the readable descriptors and the writable ones."""
        ...

    def close(self) -> None:
        """Release what the poller itself holds."""
        ...


class SelectPoller:
    """`select.select`, with a hot set while traffic makes that pay off.

    In each call the kernel checks every descriptor that it is given, active or not. So while few of many are busy, most
    calls are for the recently active ones only (the hot set), and a full scan comes once every `FULL_SCAN_SECONDS`,
    which is how long a message on any other may wait. With little or no traffic, or if more than a quarter are active,
    each call is a full scan.
    """

    fd_setsize: int | None = FD_SETSIZE

    def __init__(self) -> None:
        self._reading: set[int] = set()
        self._writing: set[int] = set()
        self._read_list: Sequence[int] = ()
        self._write_list: Sequence[int] = ()
        self._hot_set: _HotSet | None = None
        self._calls = 0
        self._checked_at = 0.0
        self._retry_at = 0.0

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for exactly these. Raise ValueError for a descriptor that select can't take."""
        if not 0 <= fd < FD_SETSIZE:
            raise ValueError(f"select can't watch descriptor {fd}")
        if read != (fd in self._reading):
            self._reading.symmetric_difference_update((fd,))
            self._reading_changed(fd)
        if write != (fd in self._writing):
            self._writing.symmetric_difference_update((fd,))
            self._write_list = ()

    def forget(self, fd: int) -> None:
        """Stop watching `fd`."""
        if fd in self._reading:
            self._reading.remove(fd)
            self._reading_changed(fd)
        if fd in self._writing:
            self._writing.remove(fd)
            self._write_list = ()

    def _reading_changed(self, fd: int) -> None:
        self._read_list = ()
        if self._hot_set is not None:
            self._hot_set.forget(fd)

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the readable descriptors and the writable ones."""
        # An empty list and a stale one look the same; building an empty list again costs nothing.
        reading = self._read_list
        if not reading:
            reading = self._read_list = list(self._reading)
        writing = self._write_list
        if not writing and self._writing:
            writing = self._write_list = list(self._writing)
        if self._hot_set is not None:
            found = self._hot_set.wait(reading, writing, timeout)
            if found is not None:
                return found
            self._drop_hot_set()
        readable, writable, _ = select.select(reading, writing, (), timeout)
        self._calls += 1
        if self._calls == CALLS_BETWEEN_CHECKS:
            self._check_rate(readable)
        return readable, writable

    def _check_rate(self, readable: Sequence[int]) -> None:
        """Start a hot set if the calls come so fast that a full scan in each is a waste."""
        now = monotonic()
        busy = now - self._checked_at < CALLS_BETWEEN_CHECKS * FULL_SCAN_SECONDS / CALLS_TO_START
        self._calls, self._checked_at = 0, now
        if busy and now >= self._retry_at and len(self._reading) >= MIN_FOR_HOT_SET:
            self._hot_set = _HotSet(readable, now)

    def _drop_hot_set(self) -> None:
        self._hot_set = None
        self._calls, self._checked_at = 0, monotonic()
        self._retry_at = self._checked_at + RETRY_SECONDS

    def close(self) -> None:
        """Do nothing: select holds no resources."""


class _HotSet:
    """The recently active descriptors, and when the next full scan is due.

    A generation is `SCANS_PER_GENERATION` full scans. A descriptor that was active in neither this one nor the one
    before leaves the set.
    """

    def __init__(self, active: Iterable[int], now: float) -> None:
        self._hot = set(active)
        self._list: Sequence[int] = ()
        self._active_before = set(self._hot)
        self._active_now: set[int] = set()
        self._calls = self._scans = 0
        self._scan_at = now + FULL_SCAN_SECONDS

    def forget(self, fd: int) -> None:
        """Remove `fd` from the set; full scans still include it if it is watched."""
        self._hot.discard(fd)
        self._active_before.discard(fd)
        self._active_now.discard(fd)
        self._list = ()

    def wait(
        self, reading: Sequence[int], writing: Sequence[int], timeout: float
    ) -> tuple[Sequence[int], Sequence[int]] | None:
        """Return what `select` would for all of `reading` and `writing`; None if the set no longer pays off."""
        left = self._scan_at - monotonic()
        if left > 0.0:
            if not self._list:
                self._list = list(self._hot)
            readable, writable, _ = select.select(self._list, writing, (), left if left < timeout else timeout)
            if readable or writable or timeout <= left:
                self._calls += 1
                self._active_now.update(readable)
                return readable, writable
        return self._full_scan(reading, writing)

    def _full_scan(self, reading: Sequence[int], writing: Sequence[int]) -> tuple[Sequence[int], Sequence[int]] | None:
        readable, writable, _ = select.select(reading, writing, (), 0)
        self._scan_at = monotonic() + FULL_SCAN_SECONDS
        self._scans += 1
        self._active_now.update(readable)
        if not self._hot.issuperset(readable):
            self._hot.update(readable)
            self._list = ()
        if len(self._hot) * 4 > len(reading) or not (readable or writable or self._calls):
            return None
        if self._scans == SCANS_PER_GENERATION:
            if self._calls < SCANS_PER_GENERATION * CALLS_TO_STAY:
                return None
            self._next_generation()
        return readable, writable

    def _next_generation(self) -> None:
        self._hot = self._active_now | self._active_before
        self._list = ()
        self._active_before, self._active_now = self._active_now, set()
        self._calls = self._scans = 0


class _RegisteringPoller:
    """What poll and epoll share: their kernel call keeps the interest, and gets only the changes."""

    fd_setsize: int | None = None

    def __init__(self, kernel: select.poll | select.epoll) -> None:
        self._kernel = kernel
        self._masks: dict[int, int] = {}

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for exactly these."""
        mask = (_READ if read else 0) | (_WRITE if write else 0)
        known = self._masks.get(fd)
        if not mask:
            self.forget(fd)
        elif known is None:
            self._kernel.register(fd, mask)
            self._masks[fd] = mask
        elif known != mask:
            self._kernel.modify(fd, mask)
            self._masks[fd] = mask

    def forget(self, fd: int) -> None:
        """Stop watching `fd`."""
        if self._masks.pop(fd, None) is not None:
            self._kernel.unregister(fd)


class PollPoller(_RegisteringPoller):
    """`select.poll`. The poll object keeps the interest; the kernel gets all of it in each call."""

    def __init__(self) -> None:
        self._poll = select.poll()
        super().__init__(self._poll)

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the readable descriptors and the writable ones."""
        # Rounded up: a wait that ends too early would be repeated until the time has come.
        return _split(self._poll.poll(math.ceil(timeout * 1000)), self._masks)

    def close(self) -> None:
        """Do nothing: poll holds no resources."""


class EpollPoller(_RegisteringPoller):
    """`select.epoll`, level-triggered. A change of interest is a system call; a silent descriptor costs nothing."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        super().__init__(self._epoll)

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the readable descriptors and the writable ones."""
        return _split(self._epoll.poll(timeout), self._masks)

    def close(self) -> None:
        """Close the epoll descriptor."""
        self._epoll.close()


def _split(events: Iterable[tuple[int, int]], masks: Mapping[int, int]) -> tuple[Sequence[int], Sequence[int]]:
    """Return the readable and the writable descriptors of what poll or epoll reports (their bits are the same)."""
    readable: list[int] = []
    writable: list[int] = []
    for fd, event in events:
        if event & _READ:
            readable.append(fd)
        if event & _WRITE:
            writable.append(fd)
        if not event & _BOTH:
            # Only an error or a hang-up, which can't be masked: the next recv or send of the handler raises it.
            (writable if masks[fd] & _WRITE else readable).append(fd)
    return readable, writable
