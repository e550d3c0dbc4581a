"""Busy waiting: non-blocking sockets, each tried again and again.

It is the lab's loop on a poller that does not poll. Every client is answered, and a whole core burns although nothing
happens: a round costs a failed system call for each connection, so more connections mean longer rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from server.models.base import PLAIN, LoopModel, Promise
from server.readiness.pollers import Poller


class BusyPoller:
    """Reports every watched descriptor at once, whether or not it is ready."""

    fd_setsize: int | None = None

    def __init__(self) -> None:
        self._reading: dict[int, None] = {}  # A dict keeps the order, a set would not.
        self._writing: dict[int, None] = {}

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Report `fd` for exactly these from now on."""
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
        """Return every watched descriptor without waiting; the timeout is ignored."""
        return list(self._reading), list(self._writing)

    def close(self) -> None:
        """Do nothing: it holds no resources."""


class BusyModel(LoopModel):
    """The readiness loop without readiness."""

    exceptions: ClassVar[Mapping[Promise, str]] = {
        Promise.QUIET: "it never waits: trying every socket without a pause takes a whole core",
        Promise.TLS: PLAIN,
    }
    poller: ClassVar[type[Poller]] = BusyPoller
    multi_process: ClassVar[bool] = False
