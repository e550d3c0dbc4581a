"""The target of bench-load without a C compiler: echo.c in Python, with the same commands and answers."""

import contextlib
import json
import resource
import select
import socket
import sys
import time
from typing import Any

BIN_S = 0.01
BINS = 60_000
ACCEPTS = 64


class EchoServer:
    """One listener, one epoll; see echo.c."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=65535)
        self._listener.setblocking(False)
        self._peers: dict[int, socket.socket] = {}
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._epoll.register(sys.stdin, select.EPOLLIN)
        self._counts = {"accepted": 0, "closed": 0, "messages": 0}
        self._bins: dict[str, dict[int, int]] = {"accepts_in": {}, "messages_in": {}}
        self._first = self._last = -1.0
        self._silence = 0.0
        self.port = self._listener.getsockname()[1]

    def run(self) -> None:
        """Serve until standard input ends."""
        listener, stdin = self._listener.fileno(), sys.stdin.fileno()
        while True:
            events = self._epoll.poll()
            now = time.monotonic()
            if any(fd != stdin for fd, _ in events):
                self._note_event(now)
            for fd, _ in events:
                if fd == listener:
                    self._accept(now)
                elif fd != stdin:
                    self._echo(fd, now)
                elif not (command := sys.stdin.readline()):
                    return
                else:
                    self._answer(command.strip())

    def _note_event(self, now: float) -> None:
        if self._first < 0:
            self._first = now
        else:
            self._silence = max(self._silence, now - self._last)
        self._last = now

    def _accept(self, now: float) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(ACCEPTS):
                peer, _ = self._listener.accept()
                peer.settimeout(1.0)
                self._peers[peer.fileno()] = peer
                self._epoll.register(peer, select.EPOLLIN)
                self._count("accepted", "accepts_in", now, 1)

    def _echo(self, fd: int, now: float) -> None:
        peer = self._peers[fd]
        try:
            data = peer.recv(65536)
            self._count("messages", "messages_in", now, data.count(b"\n"))
            peer.sendall(data)
        except OSError:
            data = b""
        if not data:
            del self._peers[fd]
            peer.close()
            self._counts["closed"] += 1

    def _count(self, name: str, bins: str, now: float, number: int) -> None:
        self._counts[name] += number
        at = int((now - self._first) / BIN_S)
        self._bins[bins][at] = self._bins[bins].get(at, 0) + number

    def _answer(self, command: str) -> None:
        now = time.monotonic()
        answer: dict[str, Any] = {"now": now, **self._counts, "silence": self._silence, "first": self._first}
        if command == "bins":
            size = 0 if self._first < 0 else min(BINS, int((now - self._first) / BIN_S) + 1)
            answer |= {name: [bins.get(at, 0) for at in range(size)] for name, bins in self._bins.items()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
        if command == "mark":
            self._silence = 0.0


def main() -> None:
    """Print the port, then serve."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = EchoServer()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
