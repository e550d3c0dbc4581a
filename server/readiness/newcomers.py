"""Connections that were accepted at the cap, and wait a moment for room before they are refused.

Strategy: a client may close one connection and open another at once. The kernel has the end of the first when the
second is accepted, but the server may not have seen it: it came after the loop's last wait, or belongs to another
thread or process. So a connection that finds no room waits until such an end must have been noticed. Rules:

- It waits `notice_seconds`, which its host states, and then one more turn: a turn that took long has looked only once.
- Room goes to the connection that has waited longest.
- It holds a descriptor, so it uses one of the slots of refused connections.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass


@dataclass(slots=True)
class Newcomer:
    """A connection without room. `due`: when it is looked at next; `last_look`: whether it is refused then."""

    sock: socket.socket
    peer: object
    due: float
    last_look: bool = False


class Newcomers:
    """The connections that wait for room, in the order in which they came. Times are monotonic seconds."""

    def __init__(self, notice_seconds: float) -> None:
        self._notice_seconds = notice_seconds
        self._waiting: list[Newcomer] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, sock: socket.socket, peer: object, now: float) -> None:
        """Keep this connection, which has just found no room."""
        self._waiting.append(Newcomer(sock, peer, now + self._notice_seconds))

    def next(self) -> Newcomer:
        """Remove and return the one that has waited longest; there must be one."""
        return self._waiting.pop(0)

    def expired(self, now: float) -> list[Newcomer]:
        """Remove and return those that have waited long enough. Called once a turn, after its ends were handled."""
        expired, waiting = list[Newcomer](), list[Newcomer]()
        for newcomer in self._waiting:
            (expired if newcomer.last_look and newcomer.due < now else waiting).append(newcomer)
            if newcomer.due <= now and not newcomer.last_look:
                newcomer.due, newcomer.last_look = now, True
        self._waiting = waiting
        return expired

    def next_look(self) -> float:
        """Return when `expired` may return one; there must be one."""
        return min(newcomer.due for newcomer in self._waiting)

    def close(self) -> None:
        """Close all of them, without a line: like those in the backlog, they were not let in."""
        for newcomer in self._waiting:
            newcomer.sock.close()
        self._waiting.clear()
