"""The target of bench-load, an echo server as a process: in C if there is a compiler, else in Python.

It counts what arrives, so that no figure depends on what a load generator reports of itself.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.harness import compiled
from bench.harness.compiled import PEERS
from bench.harness.json_process import JsonProcess
from lab.progress import say

BIN_S = 0.01  # length of a bin, as in peers/load/echo.c


def program(folder: Path = compiled.FOLDER) -> list[str]:
    """Return the command of the echo server; compiles it if necessary."""
    if compiled.compiler() is None:
        say("no C compiler (gcc, cc): the target is the Python echo server, which costs more CPU")
        return [sys.executable, str(PEERS / "load/echo_server.py")]
    return [compiled.program("load/echo", folder)]


class Echo(JsonProcess):
    """An echo server on a free port, until the block ends. Times are seconds of the monotonic clock."""

    name = "the echo server"

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(command)
        self.port = int(self.read_line())

    def counts(self) -> dict[str, Any]:
        """Return {now, accepted, closed, messages, silence, first}: `silence` is the longest since `mark` (seconds)."""
        return self.call("counts")

    def mark(self) -> dict[str, Any]:
        """Return the counts, and measure the longest silence from now on."""
        return self.call("mark")

    def bins(self) -> dict[str, Any]:
        """Return the counts, and accepts_in and messages_in: bins of BIN_S, beginning at `first`, the first accept."""
        return self.call("bins")

    def stall(self, seconds: float) -> tuple[float, float]:
        """Stop the server for so many seconds; return the times at which it was stopped and continued."""
        os.kill(self.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            time.sleep(seconds)
        finally:
            os.kill(self.pid, signal.SIGCONT)
        return stopped, time.monotonic()
