"""Connect attempts on their own, without a connection. Imports Locust's patches through gevent's hub."""

import time
from types import SimpleNamespace
from typing import Any

from rawsocket.engine.connect.connector import Connector
from rawsocket.engine.connect.resolver import Answer
from rawsocket.engine.reactor import Reactor
from rawsocket.engine.tls.configuration import Tls
from rawsocket.errors import RawSocketError
from rawsocket.target import Target
from tests.support.local_run import LONG

CLOSED = 1  # a port without a listener


def route_to(reactor: Reactor, target: Target, timeout: float = LONG, tls: Tls | None = None) -> Any:
    return SimpleNamespace(reactor=reactor, target=target, tls=tls or Tls(), connect_timeout=timeout, send_timeout=LONG)


class RecordedAttempt:
    """A connect attempt and its outcome; `addresses`: those of the target, if it is a name."""

    def __init__(
        self,
        reactor: Reactor,
        target: Target,
        timeout: float = LONG,
        addresses: list[Any] | None = None,
        tls: Tls | None = None,
    ) -> None:
        self.socks: list[Any] = []
        self.failures: list[RawSocketError] = []
        self.connector = Connector()
        if addresses is not None:
            self.connector.resolver._answers[target] = Answer(list(addresses), time.perf_counter())
        route = route_to(reactor, target, timeout, tls)
        self.attempt = self.connector.attempt(route, self, self.socks.append, self.failures.append)

    def begin(self) -> None:
        """Begin; a failure that the kernel reports at once is kept like any other."""
        try:
            self.attempt.begin()
        except RawSocketError as failure:
            self.failures.append(failure)

    def close(self, reactor: Reactor) -> None:
        for sock in self.socks:
            reactor.unwatch(sock.fileno())
            sock.close()
