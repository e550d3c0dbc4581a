"""A process that runs for a small part of each tenth of a second: SIGSTOP and SIGCONT in turn, from another one."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

RUN_S, SLICE_S = 0.005, 0.1
# In a process of its own: the tests' own process has its `time.sleep` patched, and other things to do.
SCRIPT = """
import os, signal, sys, time
pid, run_s, slice_s = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
while True:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(slice_s - run_s)
    os.kill(pid, signal.SIGCONT)
    time.sleep(run_s)
"""


@contextmanager
def starved(process: "subprocess.Popen[bytes]", run_s: float = RUN_S, slice_s: float = SLICE_S) -> Iterator[None]:
    """Let a process run for `run_s` of every `slice_s` seconds; a slow machine starves it a little less or more."""
    arguments = [str(process.pid), str(run_s), str(slice_s)]
    starver = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        starver.kill()
        starver.wait()
        process.send_signal(signal.SIGCONT)  # does nothing if it has ended
