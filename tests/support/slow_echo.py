"""The echo server of the benchmarks, made slow: a closed loop against it needs little CPU. It has the same commands."""

import sys

from bench.harness.compiled import PEERS

PAUSE_S = 0.005  # before each message
_CODE = """
import sys, time
sys.path.insert(0, sys.argv[1])
import echo_server

class Slow(echo_server.EchoServer):
    def _echo(self, fd, now):
        time.sleep(float(sys.argv[2]))
        super()._echo(fd, now)

echo_server.EchoServer = Slow
echo_server.main()
"""


def program() -> list[str]:
    """Return its command."""
    return [sys.executable, "-c", _CODE, str(PEERS / "load"), str(PAUSE_S)]
