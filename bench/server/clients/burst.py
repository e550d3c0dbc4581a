"""The tutorial's client as a crowd: it opens connections at once, the first stays silent, and counts who is answered.

It is no load: it tells what becomes of a crowd before a server that may refuse, flood, or die. Rules:

- All but the first send a line of their own as soon as they are connected; the answer must be this very line.
- No more than AT_ONCE wait for their answer: that is less than a backlog holds.
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
LINGER_S = 0.2  # for what nobody asked for
PER_SOURCE = 10_000  # of a source address's ports the first half is found quickly
NO_PORT = 24  # IP_BIND_ADDRESS_NO_PORT, ip(7): the port is chosen by connect
RESET = struct.pack("ii", 1, 0)  # it ends with a reset, which keeps no port and no entry of a firewall busy
_WRITABLE, _READABLE = select.EPOLLOUT, select.EPOLLIN


@dataclass
class Served:
    """What became of a crowd: how many were answered rightly, got another answer (a refusal), were closed before any,
    and got more than they had asked for.
    """

    answered: int = 0
    refused: int = 0
    failed: int = 0
    flooded: int = 0


class _Member:
    """One connection. `asked` is its line, b"" for the silent one; `got` what came back."""

    def __init__(self, number: int, port: int) -> None:
        self.asked = f"member {number:06} of a crowd\n".encode() if number else b""
        self.got = b""
        self.settled = False
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_IP, NO_PORT, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.sock.bind((f"127.0.0.{1 + number // PER_SOURCE}", 0))
        self.sock.connect_ex(("127.0.0.1", port))

    @property
    def flooded(self) -> bool:
        """Whether more came back than it had asked for."""
        return self.answered and len(self.got) > len(self.asked)

    @property
    def answered(self) -> bool:
        """Whether its right answer has come."""
        return bool(self.asked) and self.got.startswith(self.asked)


class Crowd:
    """`size` connections to a port of 127.0.0.1, open until the block ends."""

    def __init__(self, port: int, size: int) -> None:
        self._port, self._size = port, size
        self._poller = select.epoll()
        self._members: dict[int, _Member] = {}
        self._opened = self._waiting = 0
        self.served = Served()

    def __enter__(self) -> Self:
        """Open them, and wait for what becomes of them."""
        last = time.monotonic()
        latest = last + WITHIN_S
        while (self._opened < self._size or self._waiting) and time.monotonic() < min(last + PATIENCE_S, latest):
            while self._opened < self._size and self._waiting < AT_ONCE:
                self._open()
            if self._happens(0.05):
                last = time.monotonic()
        end = time.monotonic() + LINGER_S
        while (left := end - time.monotonic()) > 0:
            self._happens(left)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for member in self._members.values():
            member.sock.close()
        self._poller.close()

    def _open(self) -> None:
        member = _Member(self._opened, self._port)
        self._opened += 1
        self._members[member.sock.fileno()] = member
        self._poller.register(member.sock, _WRITABLE if member.asked else 0)
        self._waiting += bool(member.asked)

    def _happens(self, seconds: float) -> bool:
        """Whether anyone was settled."""
        before = self._waiting
        for fd, event in self._poller.poll(seconds):
            member = self._members[fd]
            if event & _WRITABLE:
                self._poller.modify(fd, _READABLE)
                with contextlib.suppress(OSError):  # it has been closed already: the end of its input tells
                    member.sock.send(member.asked)
            else:
                self._receive(member)
        return self._waiting < before

    def _receive(self, member: _Member) -> None:
        try:
            data = member.sock.recv(1000)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not member.flooded:
            member.got += data
            self.served.flooded += member.flooded
        if not data:  # who was refused leaves, as it should
            del self._members[member.sock.fileno()]
            member.sock.close()
        if not member.settled and (not data or member.got.endswith(b"\n")):
            self._settle(member)

    def _settle(self, member: _Member) -> None:
        member.settled = True
        self._waiting -= bool(member.asked)
        if member.answered:
            self.served.answered += 1
        elif member.got:
            self.served.refused += 1
        else:
            self.served.failed += 1
