"""SIGTERM and SIGINT as bytes in a socket, so that a loop handles them like any other input.

Strategy: the interpreter's C handler writes each signal's number into a non-blocking socketpair (`set_wakeup_fd`); the
Python handlers do nothing. The loop reads the bytes on its next turn. A model that blocks in accept() and recv() has
no loop: for it the handler raises `Stopped` out of the blocking call.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterable
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """Raised in the main thread by a stop signal, for a model without a loop. A BaseException, so nobody catches it."""


class StopRequests:
    """Requests to stop, from signals or `request()`. Call `read_requests()` when `fileno()` is readable.

    `interrupting`: a signal raises `Stopped` in the main thread.
    """

    def __init__(self) -> None:
        self.interrupting = False
        self._installed: list[int] = []
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)

    def install(self, numbers: Iterable[int] = SIGNALS) -> None:
        """Handle these signals; main thread only. Signals that are not in SIGNALS only make `fileno()` readable."""
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, self._handle)
            self._installed.append(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.interrupting:
            self.interrupting = False  # A second signal must not interrupt the cleanup.
            raise Stopped

    def request(self) -> None:
        """Ask to stop, from any thread; the same as one signal."""
        self._sender.send(bytes([signal.SIGTERM]))

    def fileno(self) -> int:
        """Return the descriptor that is readable when a request has come."""
        return self._receiver.fileno()

    def read_requests(self) -> int:
        """Return how many requests came since the last call."""
        try:
            return sum(number in SIGNALS for number in self._receiver.recv(4096))
        except BlockingIOError:
            return 0

    def close(self, ending: bool = False) -> None:
        """Restore the default handlers and close the sockets.

        `ending`: the process is about to exit; one more signal must not change its exit status.
        """
        for number in self._installed:
            signal.signal(number, signal.SIG_IGN if ending else signal.SIG_DFL)
        if self._installed:
            signal.set_wakeup_fd(-1)
        self._installed.clear()
        self._receiver.close()
        self._sender.close()


class ChildStopRequests(StopRequests):
    """Stop requests of a process that has a parent.

    As soon as the parent stops, its stage counts instead of signals: a signal to the process group reaches a child
    twice, once directly and once through the parent, and the second one would cut what the first began to drain.
    `stage` returns how many stop requests the parent has had so far.
    """

    def __init__(self, stage: Callable[[], int]) -> None:
        super().__init__()
        self._stage = stage
        self._handled = 0

    def read_requests(self) -> int:
        """Return how many requests came since the last call, the parent's if it is stopping, else signals."""
        signals, stage = super().read_requests(), self._stage()
        new = max(0, stage - self._handled) if stage else signals
        self._handled += new
        return new
