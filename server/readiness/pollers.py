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
from time import monotonic
from typing import Protocol

#: FD_SETSIZE of the C library. CPython gives no way to ask; glibc and musl both fix it at compile time.
SELECT_WALL = 1024

#: Select's two tiers: how often all are looked at, which is also the most that a message may have to wait for it.
SWEEP_SECONDS = 0.001

#: Below so many a look at all is too cheap to be worth avoiding.
FEWEST_FOR_TIERS = 128

#: Calls that there must be in the time of one sweep for two tiers to begin, and for them to go on: each call between
#: sweeps saves a look at all, and each sweep costs one.
CALLS_TO_BEGIN = 3
CALLS_TO_STAY = 1.5
CALLS_BETWEEN_LOOKS = 64
SWEEPS_OF_GENERATION = 32

#: After two tiers were not worth while, they are not tried again for so long.
REST_SECONDS = 0.25

_READ = select.EPOLLIN
_WRITE = select.EPOLLOUT
_BOTH = _READ | _WRITE


class Watcher(Protocol):
    """Is told what to watch. `wall` is the first descriptor number that it can't watch, None: no wall."""

    wall: int | None

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for just these; neither: leave it in peace. Raise ValueError at the wall or beyond."""
        ...

    def forget(self, fd: int) -> None:
        """Stop watching `fd`, which must still be open; no error where it was not watched."""
        ...


class Poller(Watcher, Protocol):
    """Waits for any of its descriptors."""

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the descriptors to read and those to write."""
        ...

    def close(self) -> None:
        """Give back what the poller itself holds."""
        ...


class SelectPoller:
    """`select.select` itself, in two tiers while traffic repays it.

    Each call has the kernel look at every descriptor that it is given, active or not. So while a few of many are busy,
    calls are for those that were active lately (`_near`), and all are looked at once every `SWEEP_SECONDS`, which is
    what a message from any other may have to wait. With little traffic or none, or if more than a quarter are active,
    each call is for all.
    """

    wall: int | None = SELECT_WALL

    def __init__(self) -> None:
        self._reading: set[int] = set()
        self._writing: set[int] = set()
        self._read_list: Sequence[int] = ()
        self._write_list: Sequence[int] = ()
        self._tiers: _Tiers | None = None
        self._calls = 0
        self._since = 0.0
        self._not_before = 0.0

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for just these. Raise ValueError for a descriptor that select can't take."""
        if not 0 <= fd < SELECT_WALL:
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
        if self._tiers is not None:
            self._tiers.forget(fd)

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the descriptors to read and those to write."""
        # An empty list and a stale one look the same; building an empty list again costs nothing.
        reading = self._read_list
        if not reading:
            reading = self._read_list = list(self._reading)
        writing = self._write_list
        if not writing and self._writing:
            writing = self._write_list = list(self._writing)
        if self._tiers is not None:
            found = self._tiers.wait(reading, writing, timeout)
            if found is not None:
                return found
            self._leave_tiers()
        readable, writable, _ = select.select(reading, writing, (), timeout)
        self._calls += 1
        if self._calls == CALLS_BETWEEN_LOOKS:
            self._consider(readable)
        return readable, writable

    def _consider(self, readable: Sequence[int]) -> None:
        """Begin with two tiers if calls follow each other so fast that a look at all in each is a waste."""
        now = monotonic()
        busy = now - self._since < CALLS_BETWEEN_LOOKS * SWEEP_SECONDS / CALLS_TO_BEGIN
        self._calls, self._since = 0, now
        if busy and now >= self._not_before and len(self._reading) >= FEWEST_FOR_TIERS:
            self._tiers = _Tiers(readable, now)

    def _leave_tiers(self) -> None:
        self._tiers = None
        self._calls, self._since = 0, monotonic()
        self._not_before = self._since + REST_SECONDS

    def close(self) -> None:
        """Select holds nothing."""


class _Tiers:
    """The descriptors that were active lately, and when all are looked at next.

    A generation is `SWEEPS_OF_GENERATION` sweeps. Who was not active in this one or the one before is no longer near.
    """

    def __init__(self, active: Iterable[int], now: float) -> None:
        self._near = set(active)
        self._list: Sequence[int] = ()
        self._before = set(self._near)
        self._lately: set[int] = set()
        self._calls = self._sweeps = 0
        self._sweep_at = now + SWEEP_SECONDS

    def forget(self, fd: int) -> None:
        """Look at `fd` no more, but in the sweeps."""
        self._near.discard(fd)
        self._before.discard(fd)
        self._lately.discard(fd)
        self._list = ()

    def wait(
        self, reading: Sequence[int], writing: Sequence[int], timeout: float
    ) -> tuple[Sequence[int], Sequence[int]] | None:
        """Do what `select` does for all of `reading` and `writing`; None if it is not worth while any more."""
        left = self._sweep_at - monotonic()
        if left > 0.0:
            if not self._list:
                self._list = list(self._near)
            readable, writable, _ = select.select(self._list, writing, (), left if left < timeout else timeout)
            if readable or writable or timeout <= left:
                self._calls += 1
                self._lately.update(readable)
                return readable, writable
        return self._sweep(reading, writing)

    def _sweep(self, reading: Sequence[int], writing: Sequence[int]) -> tuple[Sequence[int], Sequence[int]] | None:
        readable, writable, _ = select.select(reading, writing, (), 0)
        self._sweep_at = monotonic() + SWEEP_SECONDS
        self._sweeps += 1
        self._lately.update(readable)
        if not self._near.issuperset(readable):
            self._near.update(readable)
            self._list = ()
        if len(self._near) * 4 > len(reading) or not (readable or writable or self._calls):
            return None
        if self._sweeps == SWEEPS_OF_GENERATION:
            if self._calls < SWEEPS_OF_GENERATION * CALLS_TO_STAY:
                return None
            self._next_generation()
        return readable, writable

    def _next_generation(self) -> None:
        self._near = self._lately | self._before
        self._list = ()
        self._before, self._lately = self._lately, set()
        self._calls = self._sweeps = 0


class _Registering:
    """What poll and epoll have in common: their object is told of interest when that changes, and keeps it."""

    wall: int | None = None

    def __init__(self, kernel: select.poll | select.epoll) -> None:
        self._kernel = kernel
        self._masks: dict[int, int] = {}

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for just these."""
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


class PollPoller(_Registering):
    """`select.poll`. Interest is kept by the poll object; the kernel is given all of it in each call."""

    def __init__(self) -> None:
        self._poll = select.poll()
        super().__init__(self._poll)

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait `timeout` seconds at most; return the descriptors to read and those to write."""
        # Rounded up: a wait that ends too early would be repeated until the time has come.
        return _sorted(self._poll.poll(math.ceil(timeout * 1000)), self._masks)

    def close(self) -> None:
        """Poll holds nothing."""


class EpollPoller(_Registering):
    """`select.epoll`, level-triggered. Costs a system call when interest changes, and none for who is silent."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        super().__init__(self._epoll)

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
