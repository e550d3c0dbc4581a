"""Runs a server whose log is read slowly: SECONDS BYTES COMMAND...; so many bytes at a time, with so long a pause.

Its pipe is as small as a pipe can be, and what is read goes to standard error. SIGTERM is passed on, and from then on
it reads on without a pause: the server is to end.
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
