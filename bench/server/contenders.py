"""The servers that are compared: the select server and its peers, each a process that logs its address on stderr.

Rules:

- Ours runs as users run it, with all its features: framing, limits, watermarks, timeouts, counters, admin port.
- Every peer is the simplest correct server of its kind, and only echoes.
- All run with the same settings of the memory allocator (allocator.py).
- Each trial has a process of its own, which ends with its block.
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
from lab.engines.native import processes
from lab.engines.native.processes import Process
from lab.errors import LabError, finish_despite_interrupt
from lab.waiting import wait_for

START_S = 60.0
_LISTENING = re.compile(r"listening on \S+:(\d+)(?: admin (\S+))?.*\n")


@dataclass(frozen=True)
class ServerSpec:
    """One server, not running. `unavailable` is the reason why it can't be measured here, or ""."""

    name: str
    label: str
    command: Callable[[], list[str]]
    unavailable: Callable[[], str] = lambda: ""
    environ: Mapping[str, str] = field(default_factory=lambda: allocator.ENVIRON)

    def with_flags(self, *flags: str, label: str = "") -> "ServerSpec":
        """Return the same server with more flags, and with its own label if one is given."""
        return replace(self, label=label or self.label, command=lambda: [*self.command(), *flags])


@dataclass(frozen=True)
class RunningServer:
    """A server that runs. `admin` is the address of its own counters, "" if it has none."""

    process: Process
    port: int
    admin: str

    def pids(self) -> list[int]:
        """Return the pids of the process and its children."""
        return [self.process.pid, *procfs.children(self.process.pid)]

    def died(self) -> str:
        """Return how it ended, or "" while it runs."""
        return _died(self.process)


@contextmanager
def running(spec: ServerSpec, folder: Path) -> Iterator[RunningServer]:
    """Start a server and wait until it listens; it is stopped with the block."""
    process = processes.start(spec.name, spec.command(), spec.environ, folder, signal.SIGTERM)
    try:
        yield _listening(spec, process)
    except LabError as error:
        if error.evidence or not (reason := _died(process)):
            raise
        raise LabError(f"{error}; the server: {reason}", process.text()) from None
    finally:
        finish_despite_interrupt(lambda: processes.stop([process]))


def _listening(spec: ServerSpec, process: Process) -> RunningServer:
    found: list[re.Match[str]] = []

    def listens() -> bool:
        found.extend(_LISTENING.finditer(process.text()))
        return bool(found)

    wait_for(spec.label, listens, START_S, lambda: _died(process), process.text, 0.02)
    return RunningServer(process, int(found[0][1]), found[0][2] or "")


def _died(process: Process) -> str:
    return "" if process.alive() else f"it ended with {processes.exit_code(process)}"


def ours(model: str, *flags: str) -> Callable[[], list[str]]:
    """Return the command of the lab's server with one of its models, as an echo, on free ports."""
    command = [sys.executable, "-m", "server", "--model", model, "--app", "echo", "--host", "127.0.0.1", "--port", "0"]
    return lambda: [*command, "--admin-host", "127.0.0.1", "--admin-port", "0", *flags]


def _script(file: str, *arguments: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, str(PEERS / "server" / file), *arguments]


def _in_venv(file: str, *arguments: str) -> Callable[[], list[str]]:
    return lambda: [peer_venv.python(), str(PEERS / "server" / file), *arguments]


def _in_c(mode: str) -> Callable[[], list[str]]:
    return lambda: [compiled.program("server/plain"), mode]


SELECT = "select"
SERVERS = {
    spec.name: spec
    for spec in (
        ServerSpec(SELECT, "Holdfast select", ours("select")),
        ServerSpec("asyncio", "asyncio Protocol", _script("protocol.py", "asyncio")),
        ServerSpec("uvloop", "uvloop Protocol", _in_venv("protocol.py", "uvloop"), peer_venv.unavailable),
        ServerSpec("tutorial", "the tutorial's select", _script("tutorial.py")),
        ServerSpec("gevent", "gevent StreamServer", _in_venv("gevent_server.py"), peer_venv.unavailable),
        ServerSpec("c-select", "C select", _in_c("select")),
        ServerSpec("c-epoll", "C epoll", _in_c("epoll")),
    )
}
PEER_NAMES = tuple(name for name in SERVERS if name != SELECT)
REFERENCES = frozenset({"c-select", "c-epoll"})  # the best that this machine allows
