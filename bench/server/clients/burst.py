"""A burst of connections, like the tutorial's client: all are opened at once, the first stays silent.

It is not a load: it counts which connections a server answers that may refuse, flood or crash. Rules:

- All but the first send a line of their own when they are connected; the reply must be the same line.
- At most AT_ONCE wait for their reply: fewer than a backlog holds.
- It ends when all are answered, refused or closed, when nothing has happened for PATIENCE_S, or after WITHIN_S.
"""

import contextlib
import select
import socket
import struct
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

AT_ONCE = 1000
PATIENCE_S = 3.0
WITHIN_S = 10.0
LINGER_S = 0.2  # for replies that were not asked for
PER_SOURCE = 10_000  # the kernel finds only the first half of a source address's ports quickly
NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT, ip(7): the port is chosen by connect
RESET = struct.pack("ii", 1, 0)  # close with a reset, which leaves no port and no firewall entry in use
_WRITABLE, _READABLE = select.EPOLLOUT, select.EPOLLIN


@dataclass
class BurstResult:
    """The connections of a burst: how many had the right reply, another one (a refusal), were closed without any, and
    how many received more than they had asked for.
    """

    answered: int = 0
    refused: int = 0
    failed: int = 0
    flooded: int = 0


class _Connection:
    """One connection. `asked` is its line, b"" for the silent one; `got` is what was received."""

    def __init__(self, number: int, port: int) -> None:
        self.asked = f"connection {number:06} of a burst\n".encode() if number else b""
        self.got = b""
        self.done = False
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.sock.bind((f"127.0.0.{1 + number // PER_SOURCE}", 0))
        self.sock.connect_ex(("127.0.0.1", port))

    @property
    def flooded(self) -> bool:
        """Whether it received more than it had asked for."""
        return self.answered and len(self.got) > len(self.asked)

    @property
    def answered(self) -> bool:
        """Whether it has had the right reply."""
        return bool(self.asked) and self.got.startswith(self.asked)


class ConnectionBurst:
    """`size` connections to a port of 127.0.0.1, open until the block ends."""

    def __init__(self, port: int, size: int) -> None:
        self._port, self._size = port, size
        self._poller = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._opened = self._waiting = 0
        self.result = BurstResult()

    def __enter__(self) -> Self:
        """Open them, and wait until each is answered, refused or closed."""
        last = time.monotonic()
        latest = last + WITHIN_S
        while (self._opened < self._size or self._waiting) and time.monotonic() < min(last + PATIENCE_S, latest):
            while self._opened < self._size and self._waiting < AT_ONCE:
                self._open()
            if self.poll(0.05):
                last = time.monotonic()
        end = time.monotonic() + LINGER_S
        while (left := end - time.monotonic()) > 0:
            self.poll(left)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for connection in self._connections.values():
            connection.sock.close()
        self._poller.close()

    def _open(self) -> None:
        connection = _Connection(self._opened, self._port)
        self._opened += 1
        self._connections[connection.sock.fileno()] = connection
        self._poller.register(connection.sock, _WRITABLE if connection.asked else 0)
        self._waiting += bool(connection.asked)

    def poll(self, seconds: float) -> bool:
        """Wait for events and count what they change; return whether a connection was answered, refused or closed."""
        before = self._waiting
        for fd, event in self._poller.poll(seconds):
            connection = self._connections[fd]
            if event & _WRITABLE:
                self._poller.modify(fd, _READABLE)
                with contextlib.suppress(OSError):  # it was closed already, and the end of its input follows
                    connection.sock.send(connection.asked)
            else:
                self._receive(connection)
        return self._waiting < before

    def _receive(self, connection: _Connection) -> None:
        try:
            data = connection.sock.recv(1000)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not connection.flooded:
            connection.got += data
            self.result.flooded += connection.flooded
        if not data:  # a client that is refused closes as well
            del self._connections[connection.sock.fileno()]
            connection.sock.close()
        # A flood that comes with the reply may be cut in the middle of a line.
        if not connection.done and (not data or connection.flooded or connection.got.endswith(b"\n")):
            self._count(connection)

    def _count(self, connection: _Connection) -> None:
        connection.done = True
        self._waiting -= bool(connection.asked)
        if connection.answered:
            self.result.answered += 1
        elif connection.got:
            self.result.refused += 1
        else:
            self.result.failed += 1
