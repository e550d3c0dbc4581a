"""Plain client sockets for tests: every wait has a deadline, and a failure shows the received bytes."""

from __future__ import annotations

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic, sleep

DEADLINE = 30.0

#: More bytes than the kernel's buffers hold for one connection, both ways and at both ends. A server that takes more
#: from a client that does not read has no bound.
MOST_TAKEN = 64 << 20

#: Seconds between two checks of a condition that can only be polled; the deadline decides, not this.
PAUSE = 0.01


def connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Return a connection whose calls all have a deadline."""
    return socket.create_connection((host, port), DEADLINE)


def refuses(port: int) -> bool:
    """Return whether a new connection is not accepted."""
    try:
        connect(port).close()
    except OSError:
        return True
    return False


@contextmanager
def connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Open `count` connections one after the other without reading; close them all at the end."""
    raise_descriptor_limit(count + 200)
    with ExitStack() as stack:
        yield [stack.enter_context(connect(port)) for _ in range(count)]


def raise_descriptor_limit(count: int) -> None:
    """Let this process open `count` descriptors, as far as its hard limit goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """Return the next `size` bytes; fewer only if the peer ends first."""
    data = bytearray()
    while len(data) < size and (chunk := sock.recv(size - len(data))):
        data += chunk
    return bytes(data)


def read_line(sock: socket.socket) -> bytes:
    """Return the next line with its newline; less only if the peer ends first."""
    data = bytearray()
    while not data.endswith(b"\n") and (chunk := sock.recv(1)):
        data += chunk
    return bytes(data)


def read_to_end(sock: socket.socket) -> bytes:
    """Return everything up to the end of input; a reset is an error."""
    data = bytearray()
    while chunk := sock.recv(65536):
        data += chunk
    return bytes(data)


def ask(sock: socket.socket, message: bytes) -> bytes:
    """Send `message` and return the line that comes back."""
    sock.sendall(message)
    return read_line(sock)


def fill(sock: socket.socket, data: bytes, quiet: float = 0.5, taken: int = 0) -> int:
    """Send `data` over and over until nothing more is taken for `quiet` seconds; return the bytes taken.

    `taken`: the bytes taken earlier; sending continues after them, and they count. Fail beyond `MOST_TAKEN`.
    """
    view = memoryview(data)
    sock.settimeout(quiet)
    with suppress(TimeoutError):
        while taken <= MOST_TAKEN:
            taken += sock.send(view[taken % len(view) :])
        raise AssertionError(f"{taken} bytes were taken, and it would go on")
    sock.settimeout(DEADLINE)
    return taken


def fill_for_good(sock: socket.socket, data: bytes, came_in: Callable[[], float], quiet: float = 0.15) -> int:
    """The same until the server has really stopped reading; return the bytes taken.

    On a busy machine it may not read for a while because it does not run. So `came_in()`, how many bytes it has read,
    must have grown, and must stay the same while nothing more is taken.
    """
    before = last = came_in()
    end, taken, more = monotonic() + DEADLINE, 0, True
    while more or last <= before:
        if monotonic() > end:
            raise AssertionError(f"it reads for ever, or not at all: {last - before} bytes of {taken}")
        so_far = fill(sock, data, quiet, taken)
        now = came_in()
        more = (so_far, now) != (taken, last)
        taken, last = so_far, now
    return taken


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until `holds()` is true; fail with `what` after the deadline."""
    end = monotonic() + DEADLINE
    while not holds():
        if monotonic() > end:
            raise AssertionError(f"never happened: {what}")
        sleep(PAUSE)


@contextmanager
def full_backlog() -> Iterator[int]:
    """A listener that never accepts and whose backlog is full: further SYNs are not answered."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
