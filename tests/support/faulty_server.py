"""An echo server in line framing that injects a fault into every nth reply, for tests only, as its own process.

`python tests/support/faulty_server.py FAULT EVERY DELAY` prints `PORT ADMIN-PORT\n` when it listens, and ends when its
standard input ends. Its admin port gives the `holdfast_server_*` counters of a server without the fault: a swallowed
reply counts as sent, a duplicated one counts once. So only the fault itself shows.

Strategy: one thread, one selector; `PAUSE` after each turn keeps the load below what would saturate a worker.
"""

import contextlib
import heapq
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAUSE = 0.002  # seconds: 8 clients that wait for each reply get some 3,000 messages a second through
HOST = "127.0.0.1"


class Peer:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.inbox = b""

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the peer has closed; _read notices it
            self.sock.send(data)


class FaultyServer:
    """The server. `fault` is one of FAULTS; every `every`th reply is subject to it, `delay` is in seconds."""

    def __init__(self, fault: str, every: int, delay: float) -> None:
        self._fault = FAULTS[fault]
        self._every = every
        self._delay = delay
        self._selector = selectors.DefaultSelector()
        self._held_back: tuple[Peer, bytes] | None = None  # a reply that waits for another connection's
        self._later: list[tuple[float, int, Peer, bytes]] = []
        self.accepted = self.closed = self.replies = self.bytes_in = self.bytes_out = 0
        self.listener = socket.create_server((HOST, 0), backlog=1024)
        self.listener.setblocking(False)
        self._selector.register(self.listener, selectors.EVENT_READ)

    def serve(self) -> None:
        """Answer forever."""
        while True:
            for key, _ in self._selector.select(0.05):
                if key.data is None:
                    self._accept()
                else:
                    self._read(key.data)
            while self._later and self._later[0][0] <= time.monotonic():
                _, _, peer, reply = heapq.heappop(self._later)
                peer.send(reply)
            time.sleep(PAUSE)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            sock, _ = self.listener.accept()
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.accepted += 1
            self._selector.register(sock, selectors.EVENT_READ, Peer(sock))

    def _read(self, peer: Peer) -> None:
        try:
            data = peer.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.closed += 1
            self._selector.unregister(peer.sock)
            peer.sock.close()
            return
        self.bytes_in += len(data)
        *messages, peer.inbox = (peer.inbox + data).split(b"\n")
        for message in messages:
            self._answer(peer, message + b"\n")

    def _answer(self, peer: Peer, reply: bytes) -> None:
        self.replies += 1
        self.bytes_out += len(reply)
        if self._held_back is not None and self._held_back[0] is not peer:
            self._exchange(self._held_back, (peer, reply))
        elif self.replies % self._every == 0:
            self._fault(self, peer, reply)
        else:
            peer.send(reply)

    def _exchange(self, first: tuple[Peer, bytes], second: tuple[Peer, bytes]) -> None:
        self._held_back = None
        first[0].send(second[1])
        second[0].send(first[1])

    # The faults

    def no_fault(self, peer: Peer, reply: bytes) -> None:
        """Send the reply unchanged."""
        peer.send(reply)

    def drop(self, peer: Peer, reply: bytes) -> None:
        """Swallow the reply."""

    def duplicate(self, peer: Peer, reply: bytes) -> None:
        """Send the reply twice at once."""
        peer.send(reply * 2)

    def swap(self, peer: Peer, reply: bytes) -> None:
        """Swap the reply with the next one of another connection."""
        self._held_back = peer, reply

    def truncate(self, peer: Peer, reply: bytes) -> None:
        """Send the first half of the reply in a complete frame."""
        peer.send(reply[: len(reply) // 2] + b"\n")

    def break_off(self, peer: Peer, reply: bytes) -> None:
        """Send the first half of the reply and nothing more: the frame never ends."""
        peer.send(reply[: len(reply) // 2])

    def delay(self, peer: Peer, reply: bytes) -> None:
        """Send the reply after the client has given up."""
        heapq.heappush(self._later, (time.monotonic() + self._delay, self.replies, peer, reply))

    def metrics(self) -> str:
        """Return the counters of a server without the fault."""
        figures = {
            "connections": self.accepted - self.closed,
            "accepted_total": self.accepted,
            "refused_total": 0,
            'closed_total{reason="client"}': self.closed,
            "messages_total": self.replies,
            "replies_total": self.replies,
            'bytes_total{direction="in"}': self.bytes_in,
            'bytes_total{direction="out"}': self.bytes_out,
        }
        return "".join(f"holdfast_server_{name} {value}\n" for name, value in figures.items())


FAULTS: dict[str, Callable[[FaultyServer, Peer, bytes], None]] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        FaultyServer.no_fault, FaultyServer.drop, FaultyServer.duplicate, FaultyServer.swap,
        FaultyServer.truncate, FaultyServer.break_off, FaultyServer.delay,
    )
}  # fmt: skip


def admin(listener: socket.socket, metrics: Callable[[], str]) -> None:
    """Answer every request with the metrics, one at a time."""
    while True:
        sock, _ = listener.accept()
        with sock, contextlib.suppress(OSError):
            sock.settimeout(2)
            sock.recv(4096)
            sock.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + metrics().encode())


@dataclass(frozen=True)
class RunningFaultyServer:
    """Its addresses: `port`, and `admin` as host:port."""

    port: int
    admin: str


@contextlib.contextmanager
def running_faulty_server(fault: str, every: int = 10_000, delay: float = 0.0) -> Iterator[RunningFaultyServer]:
    """Run one until the block ends."""
    command = [sys.executable, str(Path(__file__)), fault, str(every), str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port, admin_port = process.stdout.readline().split()
            yield RunningFaultyServer(int(port), f"{HOST}:{admin_port}")
        finally:
            process.kill()


def main(fault: str, every: str, delay: str) -> None:
    """Serve until standard input ends."""
    server = FaultyServer(fault, int(every), float(delay))
    admin_listener = socket.create_server((HOST, 0))
    threading.Thread(target=admin, args=(admin_listener, server.metrics), daemon=True).start()
    threading.Thread(target=server.serve, daemon=True).start()
    sys.stdout.write(f"{server.listener.getsockname()[1]} {admin_listener.getsockname()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
