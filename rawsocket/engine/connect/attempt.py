"""One attempt to connect: to the addresses of a target, staggered, and then the TLS handshake if the target has TLS.

Strategy: "Happy Eyeballs" (RFC 8305, section 5) without its sorting. The addresses are tried in order. The next one is
tried when one has failed, or when none has answered STAGGER seconds after the last try; then both go on. So an address
that never answers delays the connect by a quarter of a second and does not use up its timeout. The first that
answers wins. Nearly always a target has one address: then there is one try and no timer.
"""

import _socket
import errno
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from rawsocket.engine.connect.client_socket import check, is_connecting, keep_alive
from rawsocket.engine.connect.os_errors import ConnectErrors
from rawsocket.engine.connect.resolver import Address, Resolver
from rawsocket.engine.reactor import WRITABLE, Reactor
from rawsocket.engine.tls.configuration import Tls
from rawsocket.engine.tls.context import context_for
from rawsocket.engine.tls.handshake import Done, Handshake
from rawsocket.errors import RawSocketError, Refused, TlsFailed
from rawsocket.target import Target

STAGGER = 0.25  # seconds between two tries; RFC 8305, section 8
NEVER = float("inf")

Opened = Callable[[Any], None]
Failed = Callable[[RawSocketError], None]


class Route(Protocol):
    """Where and how to connect; timeouts in seconds."""

    @property
    def reactor(self) -> Reactor:
        """The reactor that watches the sockets."""

    target: Target
    tls: Tls
    connect_timeout: float
    send_timeout: float


class Connects(Protocol):
    """The connector, as far as an attempt uses it; see there."""

    errors: ConnectErrors
    resolver: Resolver

    def open_socket(self, family: int) -> _socket.socket:
        """Return a socket that can connect."""

    def addresses(self, target: Target) -> Sequence[Address]:
        """Return the target's addresses in the order to try."""

    def answered(self, target: Target, address: Address) -> None:
        """Note that this address has answered."""


class Try:
    """A socket that connects to one address; the handler of its descriptor."""

    __slots__ = ("address", "attempt", "deadline", "sock")

    def __init__(self, attempt: "ConnectAttempt", sock: _socket.socket, address: Address) -> None:
        self.attempt = attempt
        self.sock = sock
        self.address = address
        self.deadline = attempt.deadline

    @property
    def owner(self) -> Any:
        """The owner of the future connection."""
        return self.attempt.owner

    def on_ready(self, events: int) -> None:
        """The kernel has a result."""
        self.attempt.ready(self)

    def overdue(self, now: float) -> None:
        """The deadline has passed."""
        self.attempt.overdue(now)

    def close(self, reactor: Reactor) -> None:
        """Close the socket."""
        self.deadline = NEVER
        reactor.unwatch(self.sock.fileno())
        self.sock.close()


class ConnectAttempt:
    """See the module's rules. It never waits.

    It calls `opened` (which takes over the socket, still watched) or `failed`, exactly one of them and once, unless it
    is given up before; a failure that is known at once is raised by `begin` instead. `owner` is the owner of the future
    connection. Times are of `time.perf_counter()`; `handshake_at`: when TCP was open and TLS began, 0 without TLS.
    """

    __slots__ = ("_addresses", "_connector", "_failed", "_failure", "_handshake", "_left", "_opened", "_route",
                 "_stagger", "_tries", "deadline", "handshake_at", "key", "owner", "started")  # fmt: skip

    def __init__(self, connector: Connects, route: Route, owner: Any, opened: Opened, failed: Failed) -> None:
        self._connector = connector
        self._route = route
        self.owner = owner
        self._opened = opened
        self._failed = failed
        self._failure: RawSocketError | None = None  # of the last address that failed
        self._addresses: Iterator[Address] = iter(())
        self._left = 0  # addresses that were not tried
        self._stagger = STAGGER
        self._tries: list[Try] = []
        self._handshake: tuple[Handshake, _socket.socket] | None = None
        self.handshake_at = 0.0
        self.key = 0  # the reactor's
        self.started = time.perf_counter()
        self.deadline = self.started + route.connect_timeout

    def begin(self) -> None:
        """Try the first address. Raises the failure if no address can be tried."""
        addresses = self._connector.addresses(self._route.target)
        self._addresses, self._left = iter(addresses), len(addresses)
        # With many addresses, or little time, each has to get its share.
        self._stagger = min(STAGGER, self._route.connect_timeout / (self._left + 1))
        if not self._next():
            raise self._last_failure()

    # -- TCP ----------------------------------------------------------------------------------------------------

    def ready(self, one: Try) -> None:
        """Finish a try: the kernel has a result."""
        sock = one.sock
        try:
            if is_connecting(sock):
                return  # an event of the same turn, meant for a socket that had this descriptor before
            check(sock, sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR))
            keep_alive(sock, self._route.send_timeout)
        except OSError as error:
            self._drop(one)
            self._failure = self._connector.errors.failure(error, f"connect to {one.address[1]}")
            if not self._next() and not self._tries:
                self._fail()
            return
        self._tries.remove(one)
        self._give_up_tries()
        self._connector.answered(self._route.target, one.address)
        if self._route.target.tls:
            self._secure(sock)
        else:
            self._opened(sock)

    def on_time(self) -> None:
        """Try the next address beside the others: none has answered yet."""
        if not self._next() and not self._tries:
            self._fail()

    def overdue(self, now: float) -> None:
        """Fail: the deadline has passed."""
        addresses = ", ".join(str(one.address[1]) for one in self._tries)
        self._failure = self._connector.errors.timed_out(f"connect to {addresses}: no answer in time")
        self._fail()

    def give_up(self) -> None:
        """Close all sockets, without a callback."""
        self._give_up_tries()
        if self._handshake is not None:
            _, sock = self._handshake
            self._handshake = None
            self._route.reactor.unwatch(sock.fileno())
            sock.close()

    def _give_up_tries(self) -> None:
        if self.key:
            self._route.reactor.forget(self)
        for one in self._tries:
            one.close(self._route.reactor)
        self._tries = []

    def _drop(self, one: Try) -> None:
        self._tries.remove(one)
        one.close(self._route.reactor)

    def _next(self) -> bool:
        """Start to connect to the next usable address; return False if there is none."""
        route = self._route
        for address in self._addresses:
            self._left -= 1
            sock = self._start(address)
            if sock is None:
                continue
            one = Try(self, sock, address)
            self._tries.append(one)
            route.reactor.watch(sock.fileno(), one, WRITABLE)
            if self._left:
                route.reactor.at(time.perf_counter() + self._stagger, self)
            return True
        return False

    def _start(self, address: Address) -> _socket.socket | None:
        """Return a socket that connects to the address; None, and note the failure, if that fails at once."""
        sock = None
        try:
            sock = self._connector.open_socket(address[0])
            code = sock.connect_ex(address[1])
            if code not in (0, errno.EINPROGRESS, errno.EINTR):
                check(sock, code)
        except OSError as error:
            if sock is not None:
                sock.close()
            self._failure = self._connector.errors.failure(error, f"connect to {address[1]}")
            return None
        return sock

    def _fail(self) -> None:
        self._give_up_tries()
        self._failed(self._last_failure())

    def _last_failure(self) -> RawSocketError:
        self._connector.resolver.failed(self._route.target)
        return self._failure or Refused(f"{self._route.target} has no address")

    # -- TLS ----------------------------------------------------------------------------------------------------

    def _secure(self, sock: _socket.socket) -> None:
        """Start the TLS handshake."""
        self.handshake_at = time.perf_counter()
        try:
            handshake = handshake_for(self._route, self.owner, sock, self.deadline, self._secured, self._insecure)
            self._handshake = handshake, sock
            handshake.begin()
        except RawSocketError as failure:
            self._handshake = None
            self._route.reactor.unwatch(sock.fileno())
            sock.close()
            self._insecure(failure)

    def _secured(self, sock: Any) -> None:
        self._handshake = None
        self._opened(sock)

    def _insecure(self, failure: RawSocketError) -> None:
        self.give_up()
        self._failed(self._connector.errors.tls_failed(failure))


def handshake_for(
    route: Route, owner: Any, sock: _socket.socket, deadline: float, done: Done, failed: Failed, tls: Tls | None = None
) -> Handshake:
    """Return a handshake on an open socket; call begin() to start it. `tls`: another configuration than the route's.

    Raises TlsFailed if a file of the user's own can't be used.
    """
    try:
        context = context_for((tls or route.tls).for_user(number_of(owner)))
    except ValueError as error:
        raise TlsFailed(str(error)) from None
    return Handshake(route.reactor, owner, sock, context, route.target.host, deadline, done, failed)


def number_of(owner: Any) -> int:
    """Return the number of the user that a connection belongs to; 0 if it belongs to none."""
    return getattr(getattr(owner, "user", None), "number", 0)
