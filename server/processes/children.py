"""One of several processes as its supervisor sees it: what it was given, what it has made of that, whether it keeps up.

Strategy: the supervisor counts what it hands over, the process counts on the board what it takes and what ends; the
difference is its load. Nobody has to report anything. Rules:

- No more than `MOST_IN_FLIGHT` newcomers are left with one that has not taken them yet.
- A process is slow if it has not taken what it was given, or has been away from waiting, for `SLOW_SECONDS`. One that
  has stopped altogether looks idle if it stopped while it waited: so a slow one stays slow until its loop has turned.
- What a slow one has not taken can be taken back, and is then for another.
- Newcomers are for the least loaded. To a slow one they go only if the others have no room; for one that is not slow,
  but has enough in flight just now, they wait: it will be ready soon, or slow.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heapreplace

from server.monitoring.counters import Counters
from server.processes.channel import MOST_AT_ONCE, Channel
from server.processes.death_pipe import Lifeline

MOST_IN_FLIGHT = MOST_AT_ONCE

#: About what a person notices. Longer than a process waits for its turn on a crowded machine.
SLOW_SECONDS = 0.25


#: Loads may differ by one connection in so many. A process that is woken for several newcomers at once looks at all
#: that it holds once for all of them: with select that is most of what a newcomer costs.
EVENNESS = 64


class Child:
    """A process and the channel to it. `row` is what it counts, `family` that of the sockets it is given.

    `load` is how many it holds, those in flight included, `in_flight` how many it was given and has not taken, both as
    of the last `look`. `leaves`: it takes nothing more. `dying`: all that it holds is as good as gone.
    """

    def __init__(self, row: Counters, family: int) -> None:
        self.load = 0
        self.in_flight = 0
        self.slow = False
        self.channel: Channel | None = None
        self.lifeline: Lifeline | None = None
        self.leaves = self.dying = False
        self._row = row
        self._family = family
        self._taken = 0
        self._taken_at = 0.0
        self._turn_when_slow = -1
        self._unable = False

    def begin(self, now: float) -> Channel:
        """Return a new channel, for a process that is about to begin. Raise OSError where there is none."""
        self.channel = Channel()
        try:
            self.lifeline = Lifeline()
        except OSError:
            self.end()
            raise
        self.leaves = self.dying = False
        self._turn_when_slow = -1
        self.look(now)
        return self.channel

    def look(self, now: float) -> None:
        """Look at what the process has counted by `now` (monotonic seconds)."""
        row = self._row
        taken = row.accepted
        self.in_flight = row.given - taken
        self.load = row.given - row.ended
        self._unable = False
        if taken != self._taken or not self.in_flight:
            self._taken, self._taken_at = taken, now
        self.slow = self._is_slow(now)

    def able(self) -> bool:
        """Whether it is there and can be given newcomers, if there is room."""
        return not (self.channel is None or self.leaves or self.dying or self._unable) and self._row.pid != 0

    def stuck(self) -> bool:
        """Whether it is slow and has not taken what it was given."""
        return self.slow and self.in_flight > 0

    def give(self, newcomers: Sequence[socket.socket], now: float) -> bool:
        """Hand over these, no more than there is room for; return False where that failed: they are still here."""
        assert self.channel is not None
        try:
            self.channel.hand(newcomers)
        except OSError:
            self._unable = True  # Full, or at its end; another look, or the end, will tell.
            return False
        if not self.in_flight:
            self._taken_at = now
        self._row.given += len(newcomers)
        self.in_flight += len(newcomers)
        self.load += len(newcomers)
        return True

    def take_back(self) -> tuple[list[socket.socket], int]:
        """Return those that were given and not taken, and how many of them were lost for want of descriptors."""
        if self.channel is None:
            return [], 0
        handed, came = self.channel.take_back()
        self._row.given -= handed
        self.in_flight -= handed
        self.load -= handed
        return [socket.socket(self._family, socket.SOCK_STREAM, 0, fd) for fd in came], handed - len(came)

    def uncounted(self) -> int:
        """Return how many were given and not counted by a process that has ended, and from whom nothing came back."""
        return self._row.given - self._row.accepted

    def end(self) -> None:
        """Close channel and lifeline, and forget what was given: the process has ended."""
        if self.lifeline is not None:
            self.lifeline.close()
            self.lifeline = None
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        self._row.given = self.load = self.in_flight = 0

    def _is_slow(self, now: float) -> bool:
        waited = now - self._taken_at if self.in_flight else 0.0
        if max(waited, self._row.lag.seconds(now)) >= SLOW_SECONDS:
            self._turn_when_slow = self._row.turns
        return self._turn_when_slow == self._row.turns


def shared_out(newcomers: int, children: Mapping[int, Child], share: int) -> dict[int, int]:
    """Return how many of the newcomers each child gets, by its number, if each can hold `share` connections."""
    able = [(number, child) for number, child in children.items() if child.able()]
    heap = [(child.slow, child.load, number, MOST_IN_FLIGHT - child.in_flight) for number, child in able]
    heapify(heap)
    counts: dict[int, int] = {}
    while heap and newcomers:
        slow, load, number, places = heap[0]
        if load >= share or (slow and not places):
            heappop(heap)
        elif places:
            count = min(1 + load // EVENNESS, places, share - load, newcomers)
            counts[number] = counts.get(number, 0) + count
            newcomers -= count
            heapreplace(heap, (slow, load + count, number, places - count))
        else:
            break
    return counts
