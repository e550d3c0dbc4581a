"""A real server as a process: how it is started, when it is ready, how it ends.

Rules:

- No file outside the temporary folder is written, and no service of the machine is used.
- Run by root, a server runs as `nobody`, since some refuse to run as root. Only Exim needs root, to run as its own
  user: elsewhere its test is skipped.
- A server is ready when its port accepts a connection. If another program took the port meanwhile, the server is
  started once more, on another one.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from lab.page_client import free_ports
from tests.conftest import missing
from tests.real.counters import Counters

DEADLINE_S = 90.0  # generous: no test may fail because a machine is slow
GRACE_S = 10.0
TRIES = 3
WORD = "servers"  # in HOLDFAST_REQUIRE


@dataclass
class RealServer:
    """A running server, until `stop()` or the end of a `with` block.

    `counters()` reads the server's own counters, as {name: number}; the connection that reads them may count as well.
    `growth()` is how much they have grown since `mark()`, so tests can share a server.
    """

    name: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    read_counters: Callable[[RealServer], Counters]
    stop_signal: int = signal.SIGTERM
    admin_port: int = 0  # where a server has a second port for its counters
    log_file: Path = field(default_factory=Path)
    marked: Counters = field(default_factory=dict)

    @property
    def target(self) -> str:
        """What HOST or TARGET is set to: tcp://127.0.0.1:PORT."""
        return f"tcp://127.0.0.1:{self.port}"

    def counters(self) -> Counters:
        """Return the server's own counters."""
        return self.read_counters(self)

    def mark(self) -> None:
        """Remember the counters as they are now."""
        self.marked = self.counters()

    def growth(self) -> Counters:
        """Return how much each counter has grown since `mark()`."""
        return {name: value - self.marked.get(name, 0) for name, value in self.counters().items()}

    def wait_for(self, name: str, value: float) -> Counters:
        """Wait until a counter has grown by `value`; return the growth of all. AssertionError after a long time."""
        deadline = time.monotonic() + DEADLINE_S
        while (found := self.growth()).get(name, 0) < value:
            assert time.monotonic() < deadline, f"{self.name}: {name} has grown by {found.get(name)}, not {value}"
            time.sleep(0.05)
        return found

    def log(self) -> str:
        """Return what it has written to its output and its log file."""
        files = [self.folder / "output", self.log_file]
        return "".join(file.read_text(errors="replace") for file in files if file.is_file())

    def stop(self) -> None:
        """End it, with all its processes, and remove its folder. A second call does nothing."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, self.stop_signal)
            try:
                self.process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> RealServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


@dataclass(frozen=True)
class Recipe:
    """How a server is started.

    `package` is Debian's, `program` its executable. `files` are written into the folder, and `prepare` is a command
    that is run before. In all texts, {folder}, {port}, {admin} (a second free port), {user}
    and {group} are replaced.
    """

    package: str
    program: str
    arguments: Sequence[str]
    read_counters: Callable[[RealServer], Counters]
    files: Mapping[str, str] = field(default_factory=dict)
    prepare: Sequence[str] = ()
    stop_signal: int = signal.SIGTERM
    log_file: str = "log"
    user: str = "nobody"  # where this is root
    needs_root: bool = False


def find(program: str) -> str | None:
    """Return the path of a program; Debian has servers in /usr/sbin, PostgreSQL in a folder for each version."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return shutil.which(program, path=os.pathsep.join([path, *map(str, reversed(versions))]))


def start(recipe: Recipe) -> RealServer:
    """Start a server and wait until it accepts connections; skip the test if it is not installed."""
    program = find(recipe.program)
    if program is None:
        missing(WORD, f"{recipe.program} is not installed (apt-get install {recipe.package})")
    if recipe.needs_root and os.geteuid() != 0:
        missing(WORD, f"{recipe.program} has to be started by root")
    for _ in range(TRIES):
        server = _started(recipe, str(program))
        if _accepts(server):
            return server
        said = server.log()
        server.stop()
    raise AssertionError(f"{recipe.program} ended with {server.process.returncode}: {said}")


def _started(recipe: Recipe, program: str) -> RealServer:
    folder = Path(tempfile.mkdtemp(prefix=f"holdfast-{recipe.program}-"))
    folder.chmod(0o755)
    port, admin = free_ports(2)
    account = pwd.getpwnam(recipe.user) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    values = {"{folder}": str(folder), "{port}": str(port), "{admin}": str(admin)}
    values |= {"{user}": account.pw_name, "{group}": grp.getgrgid(account.pw_gid).gr_name}
    for name, text in recipe.files.items():
        (folder / name).write_text(_filled(text, values))
    for path in [folder, *folder.iterdir()]:
        os.chown(path, account.pw_uid, account.pw_gid)
    if recipe.prepare:
        tool, *arguments = (_filled(text, values) for text in recipe.prepare)
        _run([find(tool) or tool, *arguments], folder, account).wait()
    process = _run([program, *(_filled(text, values) for text in recipe.arguments)], folder, account)
    return RealServer(
        recipe.package, port, folder, process, recipe.read_counters, recipe.stop_signal, admin,
        folder / recipe.log_file,
    )  # fmt: skip


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _run(command: Sequence[str], folder: Path, account: pwd.struct_passwd) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, with its output in the folder; by `account`, if this is root."""
    ids: dict[str, object] = {}
    if os.geteuid() == 0:
        ids = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, **ids,
        )  # type: ignore[call-overload, no-any-return]  # fmt: skip


def _accepts(server: RealServer) -> bool:
    """Wait until it accepts connections on its ports; False if it has ended before."""
    deadline = time.monotonic() + DEADLINE_S
    while server.process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
            return True
        except OSError:
            assert time.monotonic() < deadline, f"{server.name} does not accept connections: {server.log()}"
            time.sleep(0.05)
    return False
