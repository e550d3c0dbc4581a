"""Who is measured: the select server and its peers, each a process that says on stderr where it listens.

Rules:

- Ours is run as a user runs it, with all that it does: framing, limits, watermarks, timeouts, counters, admin port.
- Every peer is the plainest correct form of its kind, and does nothing but echo.
- A turn has a process of its own, ended with its block.
"""

import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.harness import compiled, procfs
from bench.harness.compiled import PEERS
from bench.server import allocator, peer_venv
from lab import processes
from lab.errors import LabError, to_its_end
from lab.processes import Process
from lab.waiting import wait_for

START_S = 60.0
_LISTENING = re.compile(r"listening on \S+:(\d+)(?: admin (\S+))?.*\n")


@dataclass(frozen=True)
class Server:
    """One contender. `there` says why it can't be measured here, or ""."""

    name: str
    label: str
    command: Callable[[], list[str]]
    there: Callable[[], str] = lambda: ""
    environ: Mapping[str, str] = field(default_factory=lambda: allocator.ENVIRON)

    def told(self, *flags: str, label: str = "") -> "Server":
        """Give the same server with more flags, and a label of its own if that is given."""
        return replace(self, label=label or self.label, command=lambda: [*self.command(), *flags])


@dataclass(frozen=True)
class Running:
    """A server at work. `admin` is the address of its own counters, "" where it has none."""

    process: Process
    port: int
    admin: str

    def pids(self) -> list[int]:
        """Give the processes that serve: it, and its children."""
        return [self.process.pid, *procfs.children(self.process.pid)]

    def died(self) -> str:
        """Say that it has ended, or ""."""
        return _died(self.process)


@contextmanager
def running(server: Server, folder: Path) -> Iterator[Running]:
    """Start it and wait until it listens; it ends with the block."""
    process = processes.start(server.name, server.command(), server.environ, folder, signal.SIGTERM)
    try:
        yield _listening(server, process)
    except LabError as error:
        if error.evidence or not (reason := _died(process)):
            raise
        raise LabError(f"{error}; the server: {reason}", process.text()) from None
    finally:
        to_its_end(lambda: processes.stop([process]))


def _listening(server: Server, process: Process) -> Running:
    found: list[re.Match[str]] = []

    def listens() -> bool:
        found.extend(_LISTENING.finditer(process.text()))
        return bool(found)

    wait_for(server.label, listens, START_S, lambda: _died(process), process.text, 0.02)
    return Running(process, int(found[0][1]), found[0][2] or "")


def _died(process: Process) -> str:
    return "" if process.alive() else f"it ended with {processes.exit_code(process)}"


def ours(model: str, *flags: str) -> Callable[[], list[str]]:
    """The lab's server with one of its models, an echo, on free ports."""
    command = [sys.executable, "-m", "server", "--model", model, "--app", "echo", "--host", "127.0.0.1", "--port", "0"]
    return lambda: [*command, "--admin-host", "127.0.0.1", "--admin-port", "0", *flags]


def _script(file: str, *arguments: str, python: Callable[[], str] = lambda: sys.executable) -> Callable[[], list[str]]:
    return lambda: [python(), str(PEERS / "server" / file), *arguments]


def _in_c(mode: str) -> Callable[[], list[str]]:
    return lambda: [compiled.program("server/plain"), mode]


SELECT = "select"
SERVERS = {
    server.name: server
    for server in (
        Server(SELECT, "Holdfast select", ours("select")),
        Server("asyncio", "asyncio Protocol", _script("protocol.py", "asyncio")),
        Server(
            "uvloop", "uvloop Protocol", _script("protocol.py", "uvloop", python=peer_venv.python), peer_venv.absent
        ),
        Server("tutorial", "the tutorial's select", _script("tutorial.py")),
        Server("gevent", "gevent StreamServer", _script("gevent_server.py", python=peer_venv.python), peer_venv.absent),
        Server("c-select", "C select", _in_c("select")),
        Server("c-epoll", "C epoll", _in_c("epoll")),
    )
}
PEER_NAMES = tuple(name for name in SERVERS if name != SELECT)
YARDSTICKS = frozenset({"c-select", "c-epoll"})  # what the machine allows
