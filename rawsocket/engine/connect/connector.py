"""What all connects of a process share: name resolution, source addresses, which errors were logged.

Strategy: plain non-blocking `_socket` sockets. gevent's socket objects cost nine times as much memory, ask the kernel
for its buffer size at each send, and resolve even a numeric address through a thread pool.
"""

import _socket
import itertools
from collections.abc import Sequence
from typing import Any

from rawsocket.engine.connect import client_socket
from rawsocket.engine.connect.attempt import ConnectAttempt, Failed, Opened, Route
from rawsocket.engine.connect.os_errors import ConnectErrors
from rawsocket.engine.connect.resolver import Address, Resolver
from rawsocket.target import Target


class Connector:
    """Starts connects. `spread`: connections go to all addresses of a name in turn, not to the first that answers."""

    def __init__(self) -> None:
        self.errors = ConnectErrors()
        self.resolver = Resolver(self.errors)
        self.spread = False
        self._sources: list[tuple[int, str]] = []  # address family and address
        self._turn = itertools.count()
        self._spread_turn = itertools.count()

    def connect_from(self, sources: Sequence[str]) -> None:
        """Bind every further socket to one of these addresses in turn; none: the kernel chooses the address."""
        self._sources = [(_socket.AF_INET6 if ":" in source else _socket.AF_INET, source) for source in sources]

    def open_socket(self, family: int) -> _socket.socket:
        """Return a socket that can connect, bound to the next source address. Raises OSError."""
        if not self._sources:
            return client_socket.open_socket(family, None)
        usable = [source for kind, source in self._sources if kind == family]
        return client_socket.open_socket(family, usable[next(self._turn) % len(usable)] if usable else None)

    def addresses(self, target: Target) -> Sequence[Address]:
        """Return the target's addresses in the order to try; never waits. Raises Refused if they aren't known yet."""
        found = tuple(self.resolver.addresses(target))
        if not self.spread or len(found) < 2:
            return found
        first = next(self._spread_turn) % len(found)
        return found[first:] + found[:first]

    def answered(self, target: Target, address: Address) -> None:
        """Note that this address has answered."""
        if not self.spread:
            self.resolver.succeeded(target, address)

    def attempt(self, route: Route, owner: Any, opened: Opened, failed: Failed) -> ConnectAttempt:
        """Create a connect attempt; call begin() to start it."""
        return ConnectAttempt(self, route, owner, opened, failed)
