"""The target of the benchmarks as a process: made (C where there is a compiler, else Python), asked, stalled, ended.

It counts for itself what arrives, so no figure rests on what a load generator says of itself alone.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from lab.errors import LabError
from lab.progress import say
from lab.settings import ROOT

PEERS = Path(__file__).parent / "peers"
BIN_S = 0.01  # seconds of a bin, as in peers/echo.c


def program(folder: Path = ROOT / ".lab" / "bench") -> list[str]:
    """Give the command of the echo server, compiling it first where that has not been done."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    source = PEERS / "echo.c"
    if compiler is None:
        say("no C compiler (gcc, cc): the target is the Python echo server, which costs more CPU")
        return [sys.executable, str(PEERS / "echo_server.py")]
    binary = folder / f"echo-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
    if not binary.exists():
        _compile(compiler, source, binary)
    return [str(binary)]


def _compile(compiler: str, source: Path, binary: Path) -> None:
    binary.parent.mkdir(parents=True, exist_ok=True)
    part = binary.with_suffix(f".{os.getpid()}")
    command = [compiler, "-O2", "-o", str(part), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command)} ended with {done.returncode}", done.stderr)
    part.replace(binary)


class Echo:
    """One echo server on a port of its own, until the block ends. Times are seconds of the monotonic clock."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.pid = self._process.pid
        self.port = int(self._line())

    def __enter__(self) -> "Echo":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def counts(self) -> dict[str, Any]:
        """Give {now, accepted, closed, messages, silence, first}: silence is the longest since `mark`, in seconds."""
        return self._ask("counts")

    def mark(self) -> dict[str, Any]:
        """Give the counts; the longest silence is counted anew from here on."""
        return self._ask("mark")

    def bins(self) -> dict[str, Any]:
        """Give the counts, and accepts_in and messages_in: bins of BIN_S from `first` (the first accept) on."""
        return self._ask("bins")

    def stall(self, seconds: float) -> tuple[float, float]:
        """Stop the server so long; gives the moments at which it was stopped and continued."""
        os.kill(self.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            time.sleep(seconds)
        finally:
            os.kill(self.pid, signal.SIGCONT)
        return stopped, time.monotonic()

    def _ask(self, command: str) -> dict[str, Any]:
        assert self._process.stdin
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except OSError:
            pass  # the line below tells what became of it
        found: dict[str, Any] = json.loads(self._line())
        return found

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise LabError(f"the echo server ended with {self._process.wait()}")
        return line
