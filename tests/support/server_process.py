"""`python -m server` as a separate process, for tests: on free ports, and always ended.

Most are forked from a process that has imported the server already (prestarted.py). `run_server`, and tests of a server
with a process group of its own, start an interpreter.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import IO

from tests.support import prestarted

ROOT = Path(__file__).resolve().parents[2]

#: Seconds after which a wait has failed. Generous: no test may fail because a machine is slow.
DEADLINE = 30.0

#: Before code that changes constants: modules take them over as they are imported, so all are imported anew.
_UNLOADED = """import sys
for name in [name for name in sys.modules if name.startswith("server")]:
    del sys.modules[name]
"""

_LISTENING = re.compile(r"holdfast server listening on (\S+):(\d+) admin (\S+):(\d+) model (\S+) pid (\d+)")


class ServerProcess:
    """A running server. `port` and `admin_port` come from its log; `lines` is its log so far."""

    def __init__(self, process: subprocess.Popen[str] | prestarted.Process, log: IO[str]) -> None:
        self.process = process
        self._log = log
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_it_listens(self) -> None:
        """Take host and ports from the line with the addresses."""
        found = self.wait_for_line(_LISTENING)
        self.host = found[1].strip("[]")
        self.port = int(found[2])
        self.admin = f"{found[3]}:{found[4]}"
        self.admin_port = int(found[4])

    def _read(self) -> None:
        for line in self._log:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for_line(self, pattern: str | re.Pattern[str]) -> re.Match[str]:
        """Return the match of the first line of the log that has one, now or later."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._match(pattern), DEADLINE)
            found = self._match(pattern)
        if found is None:
            raise AssertionError(f"no line matched {pattern!r}; the log was: {self.lines}")
        return found

    def _match(self, pattern: str | re.Pattern[str]) -> re.Match[str] | None:
        return next((found for line in self.lines if (found := re.search(pattern, line))), None)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of `path` on the admin port."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def metrics(self) -> dict[str, float]:
        """Return the samples of /metrics; labels are part of the name, `holdfast_server_` is cut off."""
        samples = (line.rsplit(" ", 1) for line in self.get("/metrics")[1].splitlines() if not line.startswith("#"))
        return {name.removeprefix("holdfast_server_"): float(value) for name, value in samples}

    def wait_for_metrics(self, holds: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """Return the first metrics for which `holds` is true."""
        end = monotonic() + DEADLINE
        while not holds(metrics := self.metrics()):
            if monotonic() > end:
                raise AssertionError(f"the metrics never were as expected; last: {metrics}; log: {self.lines[-20:]}")
            sleep(0.02)
        return metrics

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process and its children have used."""
        pid = self.process.pid
        pids = [str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        stats = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / 100

    def threads(self) -> int:
        """Return how many threads the process has."""
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def limit_descriptors(self, count: int) -> None:
        """Set the soft limit of the running process, so that it runs out of descriptors unexpectedly."""
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (count, hard))

    def open_descriptors(self) -> int:
        """Return how many descriptors the process has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for the end; return its status."""
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def kill(self) -> None:
        """End it for sure, and close its pipe (which processes below it may hold open for a moment longer)."""
        self.process.kill()
        self.process.wait()
        self._reader.join(DEADLINE)
        self._log.close()

    def stop(self) -> int:
        """End it as Docker would; return its status."""
        self.signal()
        return self.exit_code()


@contextmanager
def running_server(
    *flags: str, env: dict[str, str] | None = None, before: str = "", own_group: bool = False
) -> Iterator[ServerProcess]:
    """Run a server with `flags` on free ports, until the block ends. `before` is code that is run in it first."""
    arguments = ["--port", "0", "--admin-port", "0", *flags]
    server = _started(arguments, env) if own_group else _forked(arguments, env, before)
    try:
        server.wait_until_it_listens()
        yield server
    finally:
        server.kill()


def _is_patched() -> bool:
    """Return whether Locust has patched this process: its threads are greenlets."""
    patched = sys.modules.get("gevent.monkey")
    return patched is not None and bool(patched.is_module_patched("threading"))


def _forked(arguments: list[str], env: dict[str, str] | None, before: str) -> ServerProcess:
    """Fork a server that runs the code `before` first; its log comes through a named pipe."""
    code = f"{_UNLOADED}{before}" if before else ""
    with tempfile.TemporaryDirectory(prefix="holdfast-server-") as folder:
        pipe = f"{folder}/log"
        os.mkfifo(pipe)
        environment = dict(os.environ if env is None else env)
        process = prestarted.starter("server").start(
            arguments=arguments, environment=environment, cwd=str(ROOT), out=os.devnull, err=pipe, before=code
        )
        return ServerProcess(process, _reader(os.open(pipe, os.O_RDONLY)))


def _reader(pipe: int) -> IO[str]:
    """Return a file that reads from `pipe`: where Locust has patched the process, one that lets other greenlets run."""
    if not _is_patched():
        return open(pipe)
    from gevent.fileobject import FileObjectPosix

    return FileObjectPosix(pipe, "r")


def _started(arguments: list[str], env: dict[str, str] | None) -> ServerProcess:
    """Start an interpreter that runs the server in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "server", *arguments],
        cwd=ROOT,
        env=env,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        process_group=0,
    )
    assert process.stderr is not None
    return ServerProcess(process, process.stderr)


def run_server(*flags: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to end by itself; return its status and output."""
    command = [sys.executable, "-m", "server", *flags]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=DEADLINE, check=False)
