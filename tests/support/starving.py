"""CPU starvation: another process sends SIGSTOP and SIGCONT in turn, so that a process runs only a part of the time."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

RUN_S, SLICE_S = 0.005, 0.1
# A separate process, since `time.sleep` is patched in the process of the tests.
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
    """Let a process run for `run_s` of every `slice_s` seconds, approximately on a slow machine."""
    arguments = [str(process.pid), str(run_s), str(slice_s)]
    starver = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        starver.kill()
        starver.wait()
        process.send_signal(signal.SIGCONT)  # does nothing if it has ended
