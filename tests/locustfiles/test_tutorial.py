import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from locustfiles import tutorial
from locustfiles.tutorial import CONNECTIONS, Tutorial, main
from rawsocket.measurement.locust_stats import BATCH
from rawsocket.measurement.recorder import RECORDER
from tests.support import echo
from tests.support.local_run import Run, wait_until

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "locustfiles" / "tutorial.py"


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("framing", ["line", "chunk"])
def test_user_opens_twenty_connections_before_it_sends(framing: str):
    RECORDER.begin_run()
    with echo.running("echo") as (host, port):
        run = Run(Tutorial, f"tcp://{host}:{port}", users=1, every=0.01, framing=framing)
        wait_until(lambda: RECORDER.answered >= 2 * CONNECTIONS)
        run.stop()
    assert set(BATCH) == {"connect", "hello"}
    assert RECORDER.failures == 0
    assert not Tutorial.holds


def test_script_prints_what_the_tutorial_client_prints():
    with echo.running("echo") as (host, port):
        done = script(f"{host}:{port}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"b'hello from client number {i}'" for i in range(CONNECTIONS)]


def test_script_runs_against_the_labs_server():
    with echo.lab_server("--framing", "chunk", "--app", "hello") as (host, port):
        done = script(f"{host}:{port}")
    assert done.stdout.splitlines() == ["b'Hello from server!'"] * CONNECTIONS


def test_script_needs_no_locust():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(SCRIPT), "?"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "socket" in done.stderr
    assert "locust" not in done.stderr.replace(str(SCRIPT), "")


def test_usage_error_and_refused_connection_are_one_line(capsys: pytest.CaptureFixture[str]):
    assert main(["nonsense"]) == 2
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert main([f"127.0.0.1:{port}"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize(("model", "timeout"), [("select", 0.2), ("prefork", 2.0)])
def test_missing_first_reply_hints_at_the_framing(
    model: str, timeout: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines have no end here, so no reply ever comes. prefork, told to take chunks, replies to the first ones within
    the timeout, and so it is not that.
    """
    monkeypatch.setattr(tutorial, "TIMEOUT", timeout)
    with echo.lab_server("--model", model, "--framing", "line" if model == "select" else "chunk") as (host, port):
        assert main([f"{host}:{port}"]) == 1
    line = capsys.readouterr().err
    assert line.startswith(f"tutorial: {host}:{port}: timed out")
    assert ("(does the server use --framing chunk?)" in line) is (model == "select")
