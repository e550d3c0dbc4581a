import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.harness.compiled import PEERS
from bench.server.contenders import ServerSpec, ours, running
from tests.support.running_generator import until
from tests.support.sockets import connect, read_exactly

SCRIPT = [sys.executable, str(PEERS / "server/slow_log.py")]
LINES = "import sys, time\nwhile True:\n    sys.stderr.write('x' * 99 + chr(10))\n    sys.stderr.flush()\n"


def test_server_behind_a_slow_log_listens_answers_and_ends(tmp_path: Path) -> None:
    server = ServerSpec(
        "slow", "a slow log", lambda: [*SCRIPT, "0.001", "4000", *ours("select", "--log-sync", "yes")()]
    )
    with running(server, tmp_path) as at_work, connect(at_work.port) as peer:
        peer.sendall(b"hello\n")
        assert read_exactly(peer, 6) == b"hello\n"
        until(lambda: "getting data: b'hello'" in at_work.process.text())
        children = at_work.pids()[1:]
        assert len(children) == 1
    assert not Path(f"/proc/{children[0]}").exists()


def test_slow_log_reads_no_faster_than_its_rate() -> None:
    began = time.monotonic()
    with subprocess.Popen([*SCRIPT, "0.01", "50", sys.executable, "-c", LINES], stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert len(process.stderr.read(1000)) == 1000
        assert time.monotonic() - began >= 19 * 0.01
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait() != 0  # as the server has ended
