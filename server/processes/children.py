"""One of several processes as its supervisor sees it: what was sent to it, what it has done with that, its load.

Strategy: the supervisor counts the connections that it sends, the child counts on the board those that it accepts and
closes; the difference is its load. No messages are needed. Rules:

- At most `MAX_IN_FLIGHT` connections are left with a child that has not accepted them yet.
- A child is slow if it has not accepted what was sent, or its loop has not waited, for `SLOW_SECONDS`. A child that was
  stopped while it waited looks idle: so a slow one stays slow until its loop has turned.
- Connections that a slow child has not accepted can be taken back and sent to another.
- New connections go to the child with the lowest load. They go to a slow child only if the others have no room. If a
  child is not slow but has enough in flight, they wait for it: it will soon be ready, or slow.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heapreplace

from server.monitoring.counters import Counters
from server.processes.channel import MAX_SOCKETS_PER_MESSAGE, Channel
from server.processes.death_pipe import DeathPipe

MAX_IN_FLIGHT = MAX_SOCKETS_PER_MESSAGE

#: About as long as a person notices, and longer than a process waits for the CPU on a busy machine.
SLOW_SECONDS = 0.25

#: Loads may differ by one connection in so many, so that a child gets several connections at once: on waking, select
#: checks all connections once for all of them, which is most of what a new connection costs.
BATCH_DIVISOR = 64


class Child:
    """A child process and the channel to it. `row` is what it counts, `family` the address family of its sockets.

    `load` is how many connections it has, those in flight included; `in_flight` is how many were sent and not yet
    accepted. Both are as of the last `update_load`. `closing`: it accepts nothing more. `dying`: its connections are
    about to end.
    """

    def __init__(self, row: Counters, family: int) -> None:
        self.load = 0
        self.in_flight = 0
        self.slow = False
        self.channel: Channel | None = None
        self.death_pipe: DeathPipe | None = None
        self.closing = self.dying = False
        self._row = row
        self._family = family
        self._accepted = 0
        self._accepted_at = 0.0
        self._turn_when_slow = -1
        self._send_failed = False

    def open_channel(self, now: float) -> Channel:
        """Return a new channel for a process that is about to start. Raise OSError if none can be opened."""
        self.channel = Channel()
        try:
            self.death_pipe = DeathPipe()
        except OSError:
            self.close_channel()
            raise
        self.closing = self.dying = False
        self._turn_when_slow = -1
        self.update_load(now)
        return self.channel

    def update_load(self, now: float) -> None:
        """Read what the process has counted by `now` (monotonic seconds)."""
        row = self._row
        accepted = row.accepted
        self.in_flight = row.assigned - accepted
        self.load = row.assigned - row.connections_closed
        self._send_failed = False
        if accepted != self._accepted or not self.in_flight:
            self._accepted, self._accepted_at = accepted, now
        self.slow = self._is_slow(now)

    def accepts_connections(self) -> bool:
        """Whether it runs and can be sent connections, if it has room."""
        gone = self.channel is None or self.closing or self.dying
        return not (gone or self._send_failed) and self._row.pid != 0

    def stuck(self) -> bool:
        """Whether it is slow and has not accepted what was sent."""
        return self.slow and self.in_flight > 0

    def send_connections(self, sockets: Sequence[socket.socket], now: float) -> bool:
        """Send these, no more than there is room for; return False if that failed: they are still here."""
        assert self.channel is not None
        try:
            self.channel.send_sockets(sockets)
        except OSError:
            self._send_failed = True  # The channel is full or closed; the next update or the end will tell.
            return False
        if not self.in_flight:
            self._accepted_at = now
        self._row.assigned += len(sockets)
        self.in_flight += len(sockets)
        self.load += len(sockets)
        return True

    def reclaim(self) -> tuple[list[socket.socket], int]:
        """Return the connections that it has not received, and how many more were lost for want of descriptors."""
        if self.channel is None:
            return [], 0
        sent, descriptors = self.channel.reclaim()
        self._row.assigned -= sent
        self.in_flight -= sent
        self.load -= sent
        sockets = [socket.socket(self._family, socket.SOCK_STREAM, 0, fd) for fd in descriptors]
        return sockets, sent - len(descriptors)

    def uncounted(self) -> int:
        """Return how many connections an ended process received and had not counted, after `reclaim`."""
        return self._row.assigned - self._row.accepted

    def close_channel(self) -> None:
        """Close channel and death pipe, and forget what was sent: the process has ended."""
        if self.death_pipe is not None:
            self.death_pipe.close()
            self.death_pipe = None
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        self._row.assigned = self.load = self.in_flight = 0

    def _is_slow(self, now: float) -> bool:
        waiting = now - self._accepted_at if self.in_flight else 0.0
        if max(waiting, self._row.lag.seconds(now)) >= SLOW_SECONDS:
            self._turn_when_slow = self._row.turns
        return self._turn_when_slow == self._row.turns


def distribute(connections: int, children: Mapping[int, Child], share: int) -> dict[int, int]:
    """Return how many of the new connections each child gets, by its number, if each can hold `share` connections."""
    able = [(number, child) for number, child in children.items() if child.accepts_connections()]
    heap = [(child.slow, child.load, number, MAX_IN_FLIGHT - child.in_flight) for number, child in able]
    heapify(heap)
    counts: dict[int, int] = {}
    while heap and connections:
        slow, load, number, room = heap[0]
        if load >= share or (slow and not room):
            heappop(heap)
        elif room:
            count = min(1 + load // BATCH_DIVISOR, room, share - load, connections)
            counts[number] = counts.get(number, 0) + count
            connections -= count
            heapreplace(heap, (slow, load + count, number, room - count))
        else:
            break
    return counts
