"""The target of the benchmarks as a process: made (C where there is a compiler, else Python), asked, stalled, ended.

It counts for itself what arrives, so no figure rests on what a load generator says of itself alone.
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
from bench.harness.json_process import Teller
from lab.progress import say

BIN_S = 0.01  # seconds of a bin, as in peers/load/echo.c


def program(folder: Path = compiled.FOLDER) -> list[str]:
    """Give the command of the echo server, compiling it first where that has not been done."""
    if compiled.compiler() is None:
        say("no C compiler (gcc, cc): the target is the Python echo server, which costs more CPU")
        return [sys.executable, str(PEERS / "load/echo_server.py")]
    return [compiled.program("load/echo", folder)]


class Echo(Teller):
    """One echo server on a port of its own, until the block ends. Times are seconds of the monotonic clock."""

    name = "the echo server"

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(command)
        self.port = int(self.line())

    def counts(self) -> dict[str, Any]:
        """Give {now, accepted, closed, messages, silence, first}: silence is the longest since `mark`, in seconds."""
        return self.ask("counts")

    def mark(self) -> dict[str, Any]:
        """Give the counts; the longest silence is counted anew from here on."""
        return self.ask("mark")

    def bins(self) -> dict[str, Any]:
        """Give the counts, and accepts_in and messages_in: bins of BIN_S from `first` (the first accept) on."""
        return self.ask("bins")

    def stall(self, seconds: float) -> tuple[float, float]:
        """Stop the server so long; gives the moments at which it was stopped and continued."""
        os.kill(self.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            time.sleep(seconds)
        finally:
            os.kill(self.pid, signal.SIGCONT)
        return stopped, time.monotonic()
