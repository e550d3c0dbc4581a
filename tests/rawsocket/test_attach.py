import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rawsocket.attach import Attachment, attach
from rawsocket.settings.plan import Plan
from tests.support.busy_machine import demand, retry_on_busy_machine
from tests.support.locust_fleet import DEADLINE, environment, free_port
from tests.support.server_process import ServerProcess, running_server

MINE = """
from locust import constant, task
from rawsocket import Line, RawSocketUser

class Mine(RawSocketUser):
    framing = Line()
    wait_time = constant(0.2)

    @task
    def ping(self):
        self.client.request(b"ping", name="ping", expect={expect!r})
"""


@pytest.fixture(scope="module")
def server() -> ServerProcess:  # type: ignore[misc]
    with running_server("--app", "echo") as server:
        yield server


def _locust(folder: Path, *arguments: str, expect: bytes = b"ping", before: str = "") -> subprocess.Popen[str]:
    """Start plain Locust with a user's own locustfile, in the user's own folder."""
    (folder / "mine.py").write_text(before + MINE.format(expect=expect))
    command = [sys.executable, "-m", "locust", "-f", "mine.py", *arguments]
    env = environment(HOLDFAST_RUNS=folder / "runs", MAX_P99_MS=0)
    return subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        out, _ = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
    return process.returncode, out


def _run(server: ServerProcess, time: str = "6s") -> list[str]:
    return ["--headless", "-u", "10", "-r", "10", "-t", time, "--host", f"tcp://127.0.0.1:{server.port}"]


def test_attach_is_idempotent() -> None:
    assert attach() is attach()


@retry_on_busy_machine
@pytest.mark.parametrize(("expect", "code", "verdict"), [(b"ping", 0, "pass"), (b"pong", 3, "fail")])
def test_local_run_of_plain_locust_exits_with_the_verdict(
    tmp_path: Path, server: ServerProcess, expect: bytes, code: int, verdict: str
) -> None:
    demand(code, *_ended(_locust(tmp_path, *_run(server), expect=expect)))
    written = json.loads((tmp_path / "runs/verdict.json").read_text())
    assert written["verdict"] == verdict
    assert (written["messages"]["wrong"] > 0) == (verdict == "fail")
    assert [worker["id"] for worker in written["generator"]["workers"]] == ["local"]


ALL_IS_WELL = """
from locust import events

@events.quitting.add_listener
def all_is_well(environment, **_):
    environment.process_exit_code = 0
"""


@retry_on_busy_machine
def test_exit_code_of_a_listener_that_was_there_before_the_library_is_not_the_last_word(
    tmp_path: Path, server: ServerProcess
) -> None:
    process = _locust(tmp_path, *_run(server), expect=b"pong", before=ALL_IS_WELL)
    demand(3, *_ended(process))
    assert json.loads((tmp_path / "runs/verdict.json").read_text())["exit_code"] == 3


@retry_on_busy_machine
def test_distributed_run_of_plain_locust_exits_with_the_verdict(tmp_path: Path, server: ServerProcess) -> None:
    port = str(free_port())
    (tmp_path / "worker").mkdir()
    master = _locust(tmp_path, "--master", "--master-bind-port", port, "--expect-workers", "1", *_run(server))
    worker = _locust(tmp_path / "worker", "--worker", "--master-port", port)
    try:
        demand(0, *_ended(master))
    finally:
        _ended(worker)
    written = json.loads((tmp_path / "runs/verdict.json").read_text())
    assert (written["verdict"], written["held"]["steady_min"]) == ("pass", 10)
    assert written["messages"]["answered"] > 0
    assert not written["generator"]["workers"][0]["lost"]


@retry_on_busy_machine
def test_ctrl_c_ends_a_run_of_plain_locust(tmp_path: Path, server: ServerProcess) -> None:
    process = _locust(tmp_path, *[a for a in _run(server) if a not in ("-t", "6s")])
    server.wait_for_metrics(lambda metrics: metrics["connections"] == 10)
    sent = server.metrics()["messages_total"]
    server.wait_for_metrics(lambda metrics: metrics["messages_total"] > sent + 200)
    process.send_signal(signal.SIGINT)
    demand(0, *_ended(process))
    assert json.loads((tmp_path / "runs/verdict.json").read_text())["verdict"] == "pass"


def test_two_signals_that_come_together_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel sends the second one when a lab with threads is killed; a person presses Ctrl-C later."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    attachment = Attachment(Plan(ours=True))
    attachment._on_sigint()
    attachment._on_sigint()
    assert (attachment.signalled, ended) == (True, [])
    attachment._signalled_at -= 1
    attachment._on_sigint()
    assert ended == [130]
