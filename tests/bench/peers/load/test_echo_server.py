import subprocess
import sys

from bench.harness.compiled import PEERS


def test_server_ends_with_its_input() -> None:
    """Its counts are tested together with echo.c, in tests/bench/load/test_echo_server.py."""
    command = [sys.executable, str(PEERS / "load/echo_server.py")]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert 0 < int(done.stdout) < 65536
