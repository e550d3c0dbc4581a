import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench.harness.compiled import PEERS
from bench.load import echo_server
from bench.load.echo_server import BIN_S, Echo
from lab.errors import LabError
from tests.support.running_generator import until

PYTHON = [sys.executable, str(PEERS / "load/echo_server.py")]


@pytest.fixture(params=["C", "Python"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    if request.param == "C" and not shutil.which("gcc"):
        pytest.skip("no gcc")
    with Echo(echo_server.program(tmp_path) if request.param == "C" else PYTHON) as made:
        yield made


def _connect(server: Echo) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", server.port), 30)
    peer.settimeout(30)
    return peer


def test_server_echoes_and_counts(server: Echo) -> None:
    assert server.counts()["accepted"] == 0
    assert server.bins()["accepts_in"] == []
    with _connect(server) as one, _connect(server) as other:
        one.sendall(b"a\nb\nhalf")
        assert one.recv(100) == b"a\nb\nhalf"
        other.sendall(b"line\n")
        assert other.recv(100) == b"line\n"
        counts = server.counts()
        assert (counts["accepted"], counts["closed"], counts["messages"]) == (2, 0, 3)
    until(lambda: server.counts()["closed"] == 2)


def test_bins_start_at_the_first_accept_and_count_all_events(server: Echo) -> None:
    with _connect(server) as peer:
        for _ in range(3):
            peer.sendall(b"line\n")
            peer.recv(100)
        bins = server.bins()
    assert (sum(bins["accepts_in"]), sum(bins["messages_in"])) == (1, 3)
    assert bins["accepts_in"][0] == 1
    assert len(bins["accepts_in"]) == len(bins["messages_in"])
    assert len(bins["accepts_in"]) - 1 == pytest.approx((bins["now"] - bins["first"]) / BIN_S, abs=1.01)


def test_silence_counts_from_the_mark(server: Echo) -> None:
    def send() -> None:
        peer.sendall(b"line\n")
        peer.recv(100)

    with _connect(server) as peer:
        send()
        stopped, continued = server.stall(0.3)
        send()
        assert continued - stopped >= 0.3
        assert server.mark()["silence"] >= 0.3
        assert server.counts()["silence"] == 0
        send()
        assert server.counts()["silence"] > 0


def test_a_stalled_server_does_not_answer(server: Echo) -> None:
    with _connect(server) as peer:
        peer.sendall(b"line\n")
        peer.recv(100)
        os.kill(server.pid, signal.SIGSTOP)
        peer.sendall(b"line\n")
        peer.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.recv(100)
        os.kill(server.pid, signal.SIGCONT)
        peer.settimeout(30)
        assert peer.recv(100) == b"line\n"


def test_server_echoes_a_long_message_completely(server: Echo) -> None:
    with _connect(server) as peer:
        message = bytes(range(256)).replace(b"\n", b" ") * 400 + b"\n"
        peer.sendall(message)
        found = b""
        while len(found) < len(message):
            found += peer.recv(65536)
        assert found == message


def test_ended_server_is_reported(server: Echo) -> None:
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(LabError, match="the echo server ended with -9"):
        server.counts()


def test_stopped_server_ends_with_the_block() -> None:
    with Echo(PYTHON) as made:
        os.kill(made.pid, signal.SIGSTOP)
    assert not Path(f"/proc/{made.pid}").exists()


@pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
def test_c_program_is_compiled_once_and_ends_with_its_input(tmp_path: Path) -> None:
    command = echo_server.program(tmp_path)
    made = Path(command[0]).stat().st_mtime_ns
    assert echo_server.program(tmp_path) == command
    assert Path(command[0]).stat().st_mtime_ns == made
    done = subprocess.run(command, input="counts\n", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    port, answer = done.stdout.splitlines()
    assert int(port)
    assert json.loads(answer)["accepted"] == 0


def test_python_server_replaces_the_c_one_without_a_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert echo_server.program(tmp_path) == PYTHON
    assert "no C compiler" in capsys.readouterr().err
