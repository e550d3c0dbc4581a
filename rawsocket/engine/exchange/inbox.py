"""Replies and pushes that wait for a receive(), in the order in which they arrived. Pure."""

from collections.abc import Callable
from typing import Any, NamedTuple

MAX_KEPT = 10_000  # replies
MAX_PUSHES = 100


class Kept(NamedTuple):
    """A message that waits; `arrived`: when (seconds of one monotonic clock) a push arrived, 0 for a reply."""

    message: bytes | list[bytes]
    arrived: float = 0.0


class Inbox:
    """The messages that wait for a receive(). The number of pushes is bounded here, that of replies by the session."""

    __slots__ = ("_items", "_pushes")

    def __init__(self) -> None:
        self._items: list[Kept] = []
        self._pushes = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def replies(self) -> int:
        """How many replies wait."""
        return len(self._items) - self._pushes

    def add_reply(self, reply: bytes | list[bytes]) -> None:
        """Keep a reply, which was checked."""
        self._items.append(Kept(reply))

    def add_push(self, message: bytes | list[bytes], arrived: float) -> bool:
        """Keep a push; return False if too many wait already."""
        if self._pushes >= MAX_PUSHES:
            return False
        self._pushes += 1
        self._items.append(Kept(message, arrived))
        return True

    def take(self, takes: Callable[[Any], bool]) -> Kept | None:
        """Return the oldest message, without the pushes that `takes` refuses, which are dropped. None: none is left."""
        while self._items:
            item = self._items.pop(0)
            if not item.arrived:
                return item
            self._pushes -= 1
            if takes(item.message):
                return item
        return None
