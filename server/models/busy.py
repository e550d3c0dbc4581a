"""Active waiting: non-blocking sockets, each asked again and again whether there is something.

It is the lab's loop on a poller that does not poll. Everyone is answered, and a whole core burns although nothing
happens: a round costs a failed system call for each connection, so the more are held, the later each has its turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from server.models.base import LoopModel, Promise
from server.readiness.pollers import Poller


class Everyone:
    """Reports all that it was told to watch, at once, whether or not there is anything to do."""

    wall: int | None = None

    def __init__(self) -> None:
        self._reading: dict[int, None] = {}  # A dict keeps their order, a set would not.
        self._writing: dict[int, None] = {}

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Report `fd` for just these from now on."""
        self.forget(fd)
        if read:
            self._reading[fd] = None
        if write:
            self._writing[fd] = None

    def forget(self, fd: int) -> None:
        """Report `fd` no more."""
        self._reading.pop(fd, None)
        self._writing.pop(fd, None)

    def wait(self, timeout: float) -> tuple[Sequence[int], Sequence[int]]:
        """Wait for nothing; return everyone. The timeout has no meaning here."""
        return list(self._reading), list(self._writing)

    def close(self) -> None:
        """It holds nothing."""


class BusyModel(LoopModel):
    """The readiness loop without readiness."""

    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.QUIET: "it never waits: asking everyone without a pause takes a whole core",
    }
    poller: ClassVar[type[Poller]] = Everyone
    scales: ClassVar[bool] = False
