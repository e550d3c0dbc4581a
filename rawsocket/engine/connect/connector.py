"""Opens TCP connections on the reactor: name resolution, source addresses and connect attempts of one process.

Strategy: plain non-blocking `_socket` sockets. gevent's socket objects cost nine times as much memory, ask the kernel
for its buffer size at each send, and resolve even a numeric address through a thread pool.

Source ports: `connect()` alone searches one half of the port range first and the rest port by port, which blocks for
milliseconds each once some 14,000 connections to one target are open. A socket that has the whole range as its own
(IP_LOCAL_PORT_RANGE, Linux 6.3 and later) avoids that. If SOURCES names addresses, sockets are bound to them in
turn, each with a range of its own; IP_BIND_ADDRESS_NO_PORT leaves the port to connect(), which may then use a port
that is taken towards another target.
"""

import _socket
import contextlib
import errno
import functools
import itertools
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rawsocket.engine.connect.os_errors import ConnectErrors
from rawsocket.engine.connect.resolver import Address, Resolver
from rawsocket.engine.reactor import WRITABLE, Reactor
from rawsocket.errors import ConnectTimeout, RawSocketError, Refused
from rawsocket.target import Target

IP_BIND_ADDRESS_NO_PORT, IP_LOCAL_PORT_RANGE = 24, 51  # linux/in.h; Python has no names for them
TCP_SYN_SENT = 2  # a state of tcp(7), the first byte of its TCP_INFO

Opened = Callable[[_socket.socket], None]
Failed = Callable[[RawSocketError], None]


class Connector:
    """What all connects of a process share."""

    def __init__(self) -> None:
        self.errors = ConnectErrors()
        self.resolver = Resolver(self.errors)
        self._sources: list[tuple[int, str]] = []  # address family and address
        self._turn = itertools.count()

    def connect_from(self, sources: Sequence[str]) -> None:
        """Bind every further socket to one of these addresses in turn; none: the kernel chooses the address."""
        self._sources = [(_socket.AF_INET6 if ":" in source else _socket.AF_INET, source) for source in sources]

    def open_socket(self, family: int) -> _socket.socket:
        """Return a non-blocking TCP socket without Nagle's delay, bound to the next source address. Raises OSError."""
        sock = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
        try:
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            with contextlib.suppress(OSError):  # before Linux 6.3
                sock.setsockopt(_socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, _port_range())
            self._bind(sock, family)
        except BaseException:
            sock.close()
            raise
        return sock

    def _bind(self, sock: _socket.socket, family: int) -> None:
        usable = [source for kind, source in self._sources if kind == family]
        if usable:
            sock.setsockopt(_socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((usable[next(self._turn) % len(usable)], 0))

    def attempt(
        self, reactor: Reactor, owner: Any, target: Target, timeout: float, opened: Opened, failed: Failed
    ) -> "ConnectAttempt":
        """Create a connect attempt; call begin() to start it."""
        return ConnectAttempt(self, reactor, owner, target, timeout, opened, failed)


class ConnectAttempt:
    """One attempt: the target's addresses in order, until one answers or the time is over. It never waits.

    It calls `opened` (which takes over the socket, still watched) or `failed`, exactly one of them and once, unless it
    is given up before; a failure that is known at once is raised by `begin` instead. `owner` is the owner of the future
    connection. Times are of `time.perf_counter()`.
    """

    __slots__ = ("_address", "_addresses", "_connector", "_failed", "_failure", "_opened", "_reactor", "_sock",
                 "_target", "deadline", "owner", "started")  # fmt: skip

    def __init__(
        self,
        connector: Connector,
        reactor: Reactor,
        owner: Any,
        target: Target,
        timeout: float,
        opened: Opened,
        failed: Failed,
    ) -> None:
        self._connector = connector
        self._reactor = reactor
        self.owner = owner
        self._target = target
        self._opened = opened
        self._failed = failed
        self._failure: RawSocketError | None = None  # of the previous address
        self._addresses: Iterator[Address] = iter(())
        self._address: Address | None = None
        self._sock: _socket.socket | None = None
        self.started = time.perf_counter()
        self.deadline = self.started + timeout

    def begin(self) -> None:
        """Try the first address. Raises the failure if no address can be tried."""
        self._addresses = iter(tuple(self._connector.resolver.addresses(self._target)))
        if not self._next():
            raise self._last_failure()

    def on_ready(self, events: int) -> None:
        """Finish the connect: the kernel has a result."""
        assert self._sock is not None
        sock = self._sock
        try:
            if sock.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, 1)[0] == TCP_SYN_SENT:
                return  # an event of the same turn, meant for a socket that had this descriptor before
            check(sock, sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR))
        except OSError as error:
            self.give_up()
            self._failure = self._connector.errors.failure(error, f"connect to {self._address}")
            if not self._next():
                self._failed(self._last_failure())
            return
        self._sock = None
        if self._address is not None:
            self._connector.resolver.succeeded(self._target, self._address)
        self._opened(sock)

    def overdue(self, now: float) -> None:
        """Fail: the deadline has passed."""
        self.give_up()
        self._failure = ConnectTimeout(f"connect to {self._address}: no answer in time")
        self._failed(self._last_failure())

    def give_up(self) -> None:
        """Close the socket, without a callback."""
        if self._sock is not None:
            self._reactor.unwatch(self._sock.fileno())
            self._sock.close()
            self._sock = None

    def _next(self) -> bool:
        """Start to connect to the next usable address; return False if there is none."""
        for address in self._addresses:
            self._address = address
            try:
                self._sock = self._connector.open_socket(address[0])
                code = self._sock.connect_ex(address[1])
                if code not in (0, errno.EINPROGRESS, errno.EINTR):
                    check(self._sock, code)
            except OSError as error:
                if self._sock is not None:
                    self._sock.close()
                    self._sock = None
                self._failure = self._connector.errors.failure(error, f"connect to {address[1]}")
                continue
            self._reactor.watch(self._sock.fileno(), self, WRITABLE)
            return True
        return False

    def _last_failure(self) -> RawSocketError:
        self._connector.resolver.failed(self._target)
        return self._failure or Refused(f"{self._target} has no address")


def check(sock: _socket.socket, code: int) -> None:
    """Raise the OSError that says why a connect that ended with `code` has failed, if it has."""
    if code:
        raise OSError(code, os.strerror(code))
    if sock.getsockname() == sock.getpeername():
        # TCP lets a socket connect to itself if source port and target port are the same: no server listens there.
        raise ConnectionRefusedError(errno.ECONNREFUSED, "no server listens there (connected to itself)")


def readable(sock: _socket.socket) -> bool:
    """Return whether a read would return data, the end or an error; never waits and consumes nothing."""
    try:
        sock.recv(1, _socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        pass  # the next read reports it
    return True


@functools.cache
def _port_range() -> bytes:
    """Return the whole range of source ports, as IP_LOCAL_PORT_RANGE takes it: the upper bound in the high half."""
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    return struct.pack("I", high << 16 | low)
