"""One attempt to connect, on the reactor: the target's addresses in order, until one answers or the time is over.

Rules: it never waits; whoever made it is told of its end by exactly one call, unless it was given up before. What fails
at once is raised by `begin` instead.
"""

import _socket
import errno
import time
from collections.abc import Callable, Iterator

from rawsocket.engine import dial
from rawsocket.engine.dial import Address
from rawsocket.engine.reactor import WRITABLE, Reactor
from rawsocket.errors import ConnectTimeout, RawSocketError, Refused
from rawsocket.target import Target

Opened = Callable[[_socket.socket], None]
Failed = Callable[[RawSocketError], None]


class Attempt:
    """See the module's rules. `opened` takes over the socket, still watched. Times are of `time.perf_counter()`."""

    __slots__ = ("_address", "_addresses", "_failed", "_failure", "_opened", "_reactor", "_sock", "_target", "deadline",
                 "started")  # fmt: skip

    def __init__(self, reactor: Reactor, target: Target, timeout: float, opened: Opened, failed: Failed) -> None:
        self._reactor = reactor
        self._target = target
        self._opened = opened
        self._failed = failed
        self._failure: RawSocketError | None = None  # of the address before
        self._addresses: Iterator[Address] = iter(())
        self._address: Address | None = None
        self._sock: _socket.socket | None = None
        self.started = time.perf_counter()
        self.deadline = self.started + timeout

    def begin(self) -> None:
        """Try the first address. Raises the failure where none can be tried."""
        self._addresses = iter(tuple(dial.known(self._target)))
        if not self._next():
            raise self._last_failure()

    def on_ready(self, events: int) -> None:
        """The kernel has an answer."""
        assert self._sock is not None
        sock = self._sock
        try:
            dial.check(sock, sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR))
        except OSError as error:
            self.give_up()
            self._failure = dial.named(error, f"connect to {self._address}")
            if not self._next():
                self._failed(self._last_failure())
            return
        self._sock = None
        if self._address is not None:
            dial.answered(self._target, self._address)
        self._opened(sock)

    def overdue(self, now: float) -> None:
        """The time is over."""
        self.give_up()
        self._failure = ConnectTimeout(f"connect to {self._address}: no answer in time")
        self._failed(self._last_failure())

    def give_up(self) -> None:
        """Close the socket; nobody is told."""
        if self._sock is not None:
            self._reactor.unwatch(self._sock.fileno())
            self._sock.close()
            self._sock = None

    def _next(self) -> bool:
        """Begin with the next address that can be begun with; False if there is none."""
        for address in self._addresses:
            self._address = address
            try:
                self._sock = dial.open_socket(address[0])
                code = self._sock.connect_ex(address[1])
                if code not in (0, errno.EINPROGRESS, errno.EINTR):
                    dial.check(self._sock, code)
            except OSError as error:
                if self._sock is not None:
                    self._sock.close()
                    self._sock = None
                self._failure = dial.named(error, f"connect to {address[1]}")
                continue
            self._reactor.watch(self._sock.fileno(), self, WRITABLE)
            return True
        return False

    def _last_failure(self) -> RawSocketError:
        dial.doubt(self._target)
        return self._failure or Refused(f"{self._target} has no address")
