"""An echo server in line framing that lies about one reply in so many, for tests only, as a process of its own.

`python tests/support/liar.py LIE EVERY DELAY` prints `PORT ADMIN-PORT\n` when it listens and ends when its standard
input does. Its admin port gives the `holdfast_server_*` counters that it would have if it were honest: a reply that was
swallowed is counted as sent, one that was sent twice as one. So only the lie itself can show.

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
        with contextlib.suppress(OSError):  # gone meanwhile; its end is seen where it is read
            self.sock.send(data)


class Liar:
    """The server. `lie` is one of LIES; every `every`th reply is subject to it, `delay` is in seconds."""

    def __init__(self, lie: str, every: int, delay: float) -> None:
        self._lie = LIES[lie]
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
        """Answer for ever."""
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
            self._lie(self, peer, reply)
        else:
            peer.send(reply)

    def _exchange(self, first: tuple[Peer, bytes], second: tuple[Peer, bytes]) -> None:
        self._held_back = None
        first[0].send(second[1])
        second[0].send(first[1])

    # The lies

    def honest(self, peer: Peer, reply: bytes) -> None:
        """It is none."""
        peer.send(reply)

    def drop(self, peer: Peer, reply: bytes) -> None:
        """Swallow the reply."""

    def duplicate(self, peer: Peer, reply: bytes) -> None:
        """Send it twice, at once."""
        peer.send(reply * 2)

    def swap(self, peer: Peer, reply: bytes) -> None:
        """Exchange it for the next one of another connection."""
        self._held_back = peer, reply

    def truncate(self, peer: Peer, reply: bytes) -> None:
        """Send its first half, in a whole frame."""
        peer.send(reply[: len(reply) // 2] + b"\n")

    def break_off(self, peer: Peer, reply: bytes) -> None:
        """Send its first half and nothing more: the frame never ends."""
        peer.send(reply[: len(reply) // 2])

    def delay(self, peer: Peer, reply: bytes) -> None:
        """Send it when the client has given up."""
        heapq.heappush(self._later, (time.monotonic() + self._delay, self.replies, peer, reply))

    def metrics(self) -> str:
        """Give what an honest server would have counted."""
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


LIES: dict[str, Callable[[Liar, Peer, bytes], None]] = {
    lie.__name__.replace("_", "-"): lie
    for lie in (
        Liar.honest, Liar.drop, Liar.duplicate, Liar.swap, Liar.truncate, Liar.break_off, Liar.delay,
    )
}  # fmt: skip


def admin(listener: socket.socket, metrics: Callable[[], str]) -> None:
    """Answer every question with the metrics, one at a time."""
    while True:
        sock, _ = listener.accept()
        with sock, contextlib.suppress(OSError):
            sock.settimeout(2)
            sock.recv(4096)
            sock.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + metrics().encode())


@dataclass(frozen=True)
class RunningLiar:
    """Where it is: `port`, and `admin` as host:port."""

    port: int
    admin: str


@contextlib.contextmanager
def running_liar(lie: str, every: int = 10_000, delay: float = 0.0) -> Iterator[RunningLiar]:
    """Run one until the block ends."""
    command = [sys.executable, str(Path(__file__)), lie, str(every), str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            port, admin_port = process.stdout.readline().split()
            yield RunningLiar(int(port), f"{HOST}:{admin_port}")
        finally:
            process.kill()


def main(lie: str, every: str, delay: str) -> None:
    """Serve until standard input ends."""
    liar = Liar(lie, int(every), float(delay))
    admin_listener = socket.create_server((HOST, 0))
    threading.Thread(target=admin, args=(admin_listener, liar.metrics), daemon=True).start()
    threading.Thread(target=liar.serve, daemon=True).start()
    sys.stdout.write(f"{liar.listener.getsockname()[1]} {admin_listener.getsockname()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
