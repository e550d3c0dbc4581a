"""The interfaces between a loop, its handlers and whatever brings it new connections."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import ClassVar, Protocol

from server.monitoring.counters import Counters
from server.monitoring.log import LogRing


class ByteStream(Protocol):
    """The calls of a non-blocking socket that connections need; `readiness/tls_socket.py` has them as well."""

    def recv(self, size: int, /) -> bytes:
        """Return what has arrived, b"" at the end of the input; raise BlockingIOError if there is nothing."""
        ...

    def send(self, data: bytes | bytearray, /) -> int:
        """Return how many bytes were sent; raise BlockingIOError if none can be."""
        ...

    def shutdown(self, how: int, /) -> None:
        """End the output (SHUT_WR)."""
        ...

    def close(self) -> None:
        """Close it."""
        ...

    def fileno(self) -> int:
        """Return its descriptor, -1 if it is closed."""
        ...

    def getpeername(self) -> object:
        """Return the address of the other end."""
        ...


class Handler(Protocol):
    """What a loop calls when the kernel reports a descriptor."""

    def on_readable(self) -> None:
        """Input, a new connection or an end has come."""
        ...

    def on_writable(self) -> None:
        """Output can be sent."""
        ...


class Watcher(Protocol):
    """Registers interest in descriptors. `fd_setsize` is the first number that it can't watch, None: no limit."""

    fd_setsize: int | None

    def watch(self, fd: int, read: bool, write: bool) -> None:
        """Watch `fd` for exactly these; neither: stop watching it. Raise ValueError from `fd_setsize` on."""
        ...

    def forget(self, fd: int) -> None:
        """Stop watching `fd`, which must still be open; no error if it was not watched."""
        ...


class ConnectionSource(Protocol):
    """Brings a loop its new connections: it hands each to `admit` of its host."""

    def tick(self) -> None:
        """Do what has become possible. Called once a second, and when requested by `wake_by`."""
        ...

    def connection_closed(self) -> None:
        """Note that a connection has ended: there may be room again."""
        ...

    def close(self) -> None:
        """Bring no more connections; a second call does nothing."""
        ...


class SourceHost(Protocol):
    """What a source of connections needs of its loop. Times are monotonic seconds.

    `notice_seconds`: how long after the kernel the host may know that a connection has ended, if it is not overloaded.
    """

    notice_seconds: ClassVar[float]
    counters: Counters
    log: LogRing
    handlers: dict[int, Handler]

    @property
    def now(self) -> float:
        """When the current turn started."""
        ...

    @property
    def poller(self) -> Watcher:
        """The poller that reports the handlers' descriptors."""
        ...

    def admit(self, sock: socket.socket, peer: object) -> None:
        """Serve this new connection."""
        ...

    def connection_count(self) -> int:
        """Return how many connections are open."""
        ...

    def wake_by(self, when: float) -> None:
        """Call `tick` of the source at `when`, or soon after."""
        ...

    def call_at_end_of_turn(self, call: Callable[[], None]) -> None:
        """Call this when all that the kernel reported in this turn has been handled."""
        ...
