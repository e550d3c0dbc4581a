"""SIGTERM and SIGINT as bytes in a socket, so that a loop learns of them like of anything else.

Strategy: the interpreter's C handler writes each signal's number into a non-blocking socketpair (`set_wakeup_fd`); the
Python handlers do nothing. The loop reads the bytes when it comes to it. A model that blocks in accept() and recv()
can't: for that one the handler raises `Stopped` out of the blocking call.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterable
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """Raised in the main thread by a stop signal, for a model that has no loop. Not an Exception: nobody handles it."""


class StopRequests:
    """Requests to stop, from signals or from `request()`. Read them with `take()` when `fileno()` is readable."""

    def __init__(self) -> None:
        self.interrupting = False
        self._installed: list[int] = []
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)

    def install(self, numbers: Iterable[int] = SIGNALS) -> None:
        """Take over these signals; main thread only. Those that are not in SIGNALS only make `fileno()` readable."""
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, self._handle)
            self._installed.append(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.interrupting:
            self.interrupting = False  # A second signal must not interrupt the clearing up.
            raise Stopped

    def request(self) -> None:
        """Ask to stop, from any thread; the same as one signal."""
        self._sender.send(bytes([signal.SIGTERM]))

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a request has come."""
        return self._receiver.fileno()

    def take(self) -> int:
        """Return how many requests came since the last call."""
        try:
            return sum(number in SIGNALS for number in self._receiver.recv(4096))
        except BlockingIOError:
            return 0

    def close(self, ending: bool = False) -> None:
        """Give the signals back to the system and close the sockets.

        `ending`: this process is about to end by itself, and one more request must not change its exit status.
        """
        for number in self._installed:
            signal.signal(number, signal.SIG_IGN if ending else signal.SIG_DFL)
        if self._installed:
            signal.set_wakeup_fd(-1)
        self._installed.clear()
        self._receiver.close()
        self._sender.close()


class OrderedStops(StopRequests):
    """Those of a process that has a parent.

    From when the parent stops, its orders count and not the signals: a group's SIGTERM reaches a process twice, once
    by itself and once through the parent, and the second one would cut what the first has begun to drain. `stage` says
    how many requests the parent has had so far.
    """

    def __init__(self, stage: Callable[[], int]) -> None:
        super().__init__()
        self._stage = stage
        self._told = 0

    def take(self) -> int:
        """Return how many requests came since the last call, or how many of the parent's orders are new."""
        signals, ordered = super().take(), self._stage()
        new = max(0, ordered - self._told) if ordered else signals
        self._told += new
        return new
