"""Runs a server and reads its log slowly: SECONDS BYTES COMMAND...: BYTES at a time, with pauses of SECONDS.

The pipe has the smallest possible size; the log is copied to standard error. SIGTERM is passed on to the server, and
from then on the log is read without pauses, so that the server can end.
"""

import fcntl
import os
import signal
import subprocess
import sys
from types import FrameType

PAGE = 4096


def main() -> None:
    """Read until the server has ended."""
    pause, size, command = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    near, far = os.pipe()
    fcntl.fcntl(far, fcntl.F_SETPIPE_SZ, PAGE)
    server = subprocess.Popen(command, stderr=far)
    os.close(far)

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal pause
        pause = 0.0
        server.terminate()

    signal.signal(signal.SIGTERM, end)
    while data := os.read(near, size):
        os.write(2, data)
        signal.sigtimedwait([], pause)
    sys.exit(server.wait())


main()
