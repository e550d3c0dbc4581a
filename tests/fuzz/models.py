"""Sends streams to a server of each model over real sockets, and compares what comes back with what must.

Three kinds of connections, in turn:

- *ordered*: the client sends its inputs, ends its input, and reads to the end. Replies and all counters of the server
  must be exactly what the wire format says. (A model that does not find messages in a stream, by its own exceptions,
  gets one input, and its replies are not compared.)
- *chunk*: the same in chunk framing, where the bytes come back as they were sent.
- *rude*: the client leaves at any moment, with or without a reset, and may not read. What is counted of messages then
  depends on the moment; each connection must be counted as accepted and as closed.

After each round nothing may be left: no connection, no descriptor, no thread, no process; nor a traceback in the log.
"""

import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from server.models.base import Model, Promise, load
from tests.fuzz.inputs import LIMIT, Expected, Inputs, expected
from tests.fuzz.tally import Failed, Tally
from tests.support.server_process import ServerProcess, running_server

ROUND = 200  # connections between two looks at the server
DEADLINE = 30.0
SETTLE_S = 30.0  # after a round
SOURCES = 200  # addresses that connections come from, in turn: one has no more than 28,000 ports
NO_PORT_YET = 24  # IP_BIND_ADDRESS_NO_PORT: the port is chosen at the connect, for this target only
RESET = struct.pack("ii", 1, 0)
OUT, IN = 'bytes_total{direction="out"}', 'bytes_total{direction="in"}'


class Bench:
    """One running server, and the streams for it."""

    def __init__(self, server: ServerProcess, model: type[Model], framing: str, inputs: Inputs, tally: Tally) -> None:
        self.server = server
        self.model = model
        self.framing = framing
        self.inputs = inputs
        self.tally = tally
        self.streams = Promise.FRAMES in model.promises and framing == "line"
        self.exact = Promise.ONCE in model.promises and (self.streams or framing == "chunk")
        self._number = 0
        self._before = server.metrics()
        self._quiet = self._complete()

    # -- connections ------------------------------------------------------------------------------------------------

    def ordered(self) -> Expected:
        """Make one connection that ends in order; return what the server must have counted."""
        pieces = self._pieces()
        stream = b"".join(pieces)
        must = expected(stream) if self.streams else Expected([stream] if stream else [])
        with self._connected() as client:
            with suppress(BrokenPipeError, ConnectionResetError):  # of a server that has said that it is too long
                for piece in pieces:
                    client.sendall(piece)
                client.shutdown(socket.SHUT_WR)
            got = self._rest(client, must)
        wanted = must.replies if self.framing == "line" else stream
        if self.exact and got != wanted:
            raise Failed(f"{_shown(stream)} in {len(pieces)} pieces brought {_shown(got)} instead of {_shown(wanted)}")
        return must

    def rude(self) -> None:
        """Make one connection that ends in the middle of anything."""
        draw = self.inputs.random
        with self._connected() as client:
            with suppress(OSError):
                client.settimeout(0.01)  # a server of one client at a time may not read yet
                for piece in self._pieces()[: draw.randint(0, 5)]:
                    client.sendall(piece)
                    if draw.random() < 0.3:
                        client.settimeout(0.001)
                        with suppress(TimeoutError):
                            client.recv(draw.randint(1, 300))
                if draw.random() < 0.3:
                    client.shutdown(socket.SHUT_WR)
            if draw.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.tally.rude += 1

    def _pieces(self) -> list[bytes]:
        several = Promise.HOLDS in self.model.promises and self.streams
        pieces = self.inputs.stream() if several or self.framing == "chunk" else self.inputs.stream(1)
        if Promise.HOLDS not in self.model.promises:
            pieces = pieces[:1]
        self.tally.inputs += len(pieces)
        return pieces

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        self._number += 1
        self.tally.connections += 1
        with socket.socket() as client:
            client.settimeout(DEADLINE)
            client.setsockopt(socket.IPPROTO_IP, NO_PORT_YET, 1)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.bind((f"127.0.1.{1 + self._number % SOURCES}", 0))
            client.connect(("127.0.0.1", self.server.port))
            yield client

    def _rest(self, client: socket.socket, must: Expected) -> bytes:
        got = bytearray()
        try:
            while chunk := client.recv(65536):
                if Promise.ONCE in self.model.promises:
                    got += chunk
        except ConnectionResetError:
            if self.exact and not must.too_long:
                raise Failed(f"a reset after {_shown(bytes(got))}") from None
        except TimeoutError:
            raise Failed(f"no end of input within {DEADLINE:.0f} s after {_shown(bytes(got))}") from None
        return bytes(got)

    # -- a round ----------------------------------------------------------------------------------------------------

    def round(self, ordered: int, rude: int) -> None:
        """Make connections of both kinds, and look at the server after each."""
        found = [self.ordered() for _ in range(ordered)]
        self._check(ordered, found if self.exact and self.streams else None)
        for _ in range(rude):
            self.rude()
        self._check(rude, None)
        self.tally.messages += sum(len(one.messages) for one in found)

    def _check(self, connections: int, found: list[Expected] | None) -> None:
        now = self._settled(connections)
        grown = Counter({name: now[name] - self._before.get(name, 0.0) for name in now})
        self._before = now
        if found is not None:
            for name, wanted in _counts(found).items():
                if grown[name] != wanted:
                    raise Failed(f"{name} has grown by {grown[name]:g} instead of {wanted}")
        for name in ("refused_total", "accept_errors_total", 'closed_total{reason="failed"}', "respawns_total"):
            if grown[name]:
                raise Failed(f"{name} has grown by {grown[name]:g}")
        if any("Traceback" in line for line in self.server.lines):
            raise Failed(f"a traceback in the log: {self.server.lines[-1]}")

    def _settled(self, connections: int) -> dict[str, float]:
        """Wait until the server has counted these connections as accepted and closed, and holds nothing more."""
        end, said = monotonic() + SETTLE_S, ""
        while monotonic() < end:
            code = self.server.process.poll()
            if code is not None:
                raise Failed(f"the server ended with {code}: {self.server.lines[-1:]}")
            now = self.server.metrics()
            said = self._left(now, connections)
            if not said:
                return now
            sleep(0.01)
        raise Failed(f"still after {SETTLE_S:.0f} s: {said}")

    def _left(self, now: dict[str, float], connections: int) -> str:
        accepted = now["accepted_total"] - self._before["accepted_total"]
        closed = _closed(now) - _closed(self._before)
        opened = self._open()
        if accepted != connections or closed != connections or now["connections"]:
            return f"{accepted:g} accepted and {closed:g} closed of {connections}, {now['connections']:g} held"
        if any(more > most for more, most in zip(opened, self._quiet, strict=True)):
            return f"descriptors, threads and processes are {opened}, before the first connection {self._quiet}"
        return ""

    def _complete(self) -> tuple[int, int, int]:
        """Return what is open once each process that serves has the thread of its log: it is counted as one before.

        Of several processes, the parent and the one of the admin port have one thread each.
        """
        end = monotonic() + SETTLE_S
        while (found := self._open())[1] < 2 * found[2] - 2:
            if monotonic() > end:
                raise Failed(f"after {SETTLE_S:.0f} s the {found[2]} processes have {found[1]} threads")
            sleep(0.01)
        return found

    def _open(self) -> tuple[int, int, int]:
        """The descriptors, threads and processes of the server."""
        pids = [self.server.process.pid, *_children(self.server.process.pid)]
        folders = [Path(f"/proc/{pid}") for pid in pids]
        descriptors, threads = (sum(_entries(folder / name) for folder in folders) for name in ("fd", "task"))
        return descriptors, threads, len(pids)


def _counts(found: list[Expected]) -> dict[str, int]:
    too_long = sum(one.too_long for one in found)
    return {
        "messages_total": sum(len(one.messages) for one in found),
        "replies_total": sum(len(one.messages) for one in found),
        "unfinished_total": sum(one.unfinished for one in found),
        'closed_total{reason="too-long"}': too_long,
    }


def _closed(metrics: dict[str, float]) -> float:
    return sum(value for name, value in metrics.items() if name.startswith("closed_total"))


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    found: list[int] = []
    with suppress(OSError):
        for task in tasks.iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def _entries(folder: Path) -> int:
    try:
        return len(list(folder.iterdir()))
    except OSError:
        return 0


def _shown(content: bytes) -> str:
    return repr(content) if len(content) <= 120 else f"{content[:100]!r}... ({len(content)} bytes)"


def fuzz(name: str, count: int, seed: int, until: float, tell: Callable[[Tally], None] = lambda tally: None) -> Tally:
    """Send `count` inputs to a model, or as many as there is time for; raises Failed."""
    model, tally = load(name), Tally()
    for framing in ("line", "chunk"):
        inputs = Inputs(seed)
        flags = ("--model", name, "--framing", framing, "--app", "echo", "--max-message", str(LIMIT))
        share = count if framing == "chunk" else count * 3 // 4
        with running_server(*flags) as server:
            bench = Bench(server, model, framing, inputs, tally)
            while tally.inputs < share and monotonic() < until:
                per_connection = 1 if Promise.HOLDS not in model.promises else 25
                left = max(1, min(ROUND, (share - tally.inputs) // per_connection))
                bench.round(left, max(1, left // 4))
                tell(tally)
    return tally
