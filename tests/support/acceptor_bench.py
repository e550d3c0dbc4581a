"""An acceptor under test: a listener whose accepts can be made to fail, and a fake host."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable

from server.interfaces import Handler
from server.monitoring.counters import Counters
from server.monitoring.log import LogRing
from server.readiness.acceptor import Acceptor
from tests.support.sockets import connect


class FakePoller:
    fd_setsize: int | None = None

    def __init__(self) -> None:
        self.watched: dict[int, bool] = {}

    def watch(self, fd: int, read: bool, write: bool) -> None:
        self.watched[fd] = read

    def forget(self, fd: int) -> None:
        self.watched.pop(fd, None)

    def wait(self, timeout: float) -> tuple[list[int], list[int]]:
        return [], []

    def close(self) -> None:
        pass


class FakeHost:
    """A loop whose turns the test runs. `connections` are the admitted ones."""

    notice_seconds = 0.01

    def __init__(self) -> None:
        self.now = 1000.0
        self.counters = Counters()
        self.stream = io.StringIO()
        self.log = LogRing(self.stream)
        self.log.start()
        self.poller = FakePoller()
        self.handlers: dict[int, Handler] = {}
        self.connections: list[socket.socket] = []
        self.alarms: list[float] = []
        self.calls: list[Callable[[], None]] = []

    def admit(self, sock: socket.socket, peer: object) -> None:
        self.connections.append(sock)

    def connection_count(self) -> int:
        return len(self.connections)

    def wake_by(self, when: float) -> None:
        self.alarms.append(when)

    def call_at_end_of_turn(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def lines(self) -> list[str]:
        self.log.close()
        return self.stream.getvalue().splitlines()


class Listener:
    """A real listener whose next accepts can be made to fail."""

    def __init__(self) -> None:
        self.real = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.real.setblocking(False)
        self.port: int = self.real.getsockname()[1]
        self.failures: list[int] = []
        self.accepts = 0

    def accept(self) -> tuple[socket.socket, object]:
        self.accepts += 1
        if self.failures:
            raise OSError(number := self.failures.pop(0), os.strerror(number))
        return self.real.accept()

    def fileno(self) -> int:
        return self.real.fileno()

    def close(self) -> None:
        self.real.close()


class Bench:
    """Host, listener and acceptor together, and the clients."""

    def __init__(self, cap: int, refusals: int, waits: bool) -> None:
        self.host = FakeHost()
        self.listener = Listener()
        self.fd = self.listener.fileno()
        self.acceptor = Acceptor(self.host, self.listener, cap, refusals, waits)  # type: ignore[arg-type]
        self.clients: list[socket.socket] = []

    def connect(self, count: int = 1) -> list[socket.socket]:
        new = [connect(self.listener.port) for _ in range(count)]
        self.clients += new
        return new

    def turn(self) -> None:
        if self.listening:
            self.acceptor.on_readable()
        for fd, handler in list(self.host.handlers.items()):
            if fd != self.fd:
                handler.on_readable()
        while self.host.calls:
            self.host.calls.pop()()

    def wait_for_room(self) -> None:
        """Let the connections without room wait as long as they may: their time, and one more turn."""
        for seconds in (self.host.notice_seconds, 0.001):
            self.host.now += seconds
            self.acceptor.tick()

    def leave(self) -> None:
        self.host.connections.pop().close()
        self.acceptor.connection_closed()

    @property
    def listening(self) -> bool:
        return self.host.poller.watched.get(self.fd, False)

    @property
    def refusals(self) -> int:
        return len(self.host.handlers) - 1

    def close(self) -> None:
        self.acceptor.close()
        for sock in self.host.connections + self.clients:
            sock.close()
        self.listener.close()
        self.host.log.close()
