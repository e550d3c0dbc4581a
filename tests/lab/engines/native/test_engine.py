"""The lab as local processes, end to end: server, master and workers on free ports, in a copy of the checkout."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab import page_client
from lab.engines.native.engine import NativeEngine
from lab.errors import LabError
from lab.settings import read
from tests.support.busy_machine import TOLERANT, demand, retry_on_busy_machine
from tests.support.echo import lab_server
from tests.support.lab import Page
from tests.support.pinned import ARTEFACTS
from tests.support.ports import lab_ports
from tests.support.server_process import running_server

LONG = 60.0
SMALL = {"USERS": "20", "RATE": "100", "EVERY": "0.5", "TIME": "5s", "WORKERS": "1", "MAX_P99_MS": "0", **TOLERANT}
SECONDS_HELD = re.compile(r"^held 20/20 ")


def _until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LONG
    while not (found := true()):
        assert time.monotonic() < deadline, "not within the time limit"
        time.sleep(0.05)
    return found


def _environment(extra: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", "ENGINE": "native", **SMALL, **extra}


def _lab(checkout: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.run(
        command, cwd=checkout, env=_environment(extra), capture_output=True, text=True, timeout=240, check=False
    )


@contextmanager
def _running(checkout: Path, *arguments: str, **extra: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A run in the background, and its stderr until all of its users were held.

    It is killed with its children if the test fails.
    """
    command = [sys.executable, "-m", "lab", *arguments]
    with subprocess.Popen(
        command, cwd=checkout, env=_environment(extra), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        children: dict[int, str] = {}
        try:
            assert run.stderr
            said = []
            for line in run.stderr:
                said.append(line)
                if SECONDS_HELD.match(line):
                    break
            else:
                raise AssertionError("".join(said))
            children = _children(run.pid)
            yield run, "".join(said)
        finally:
            for pid in [run.pid, *children] if run.poll() is None else []:
                os.kill(pid, signal.SIGKILL)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _children(parent: int) -> dict[int, str]:
    """Pid and command of each process that `parent` started."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if (stat := _stat(int(folder.name))) and int(stat[1]) == parent:
            found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def _gone(pids: Any) -> bool:
    return all((_stat(pid) or "Z")[0] == "Z" for pid in pids)


def _verdict(checkout: Path) -> dict[str, Any]:
    return dict(json.loads((checkout / "runs/latest/verdict.json").read_text()))


def test_up_status_logs_down(checkout: Path) -> None:
    """With a server of two processes, which end with it."""
    ports = lab_ports()
    several = {"PROCESSES": "2", "WORKERS": "2"}
    # HEADLESS is for a run: `up` has a page to start from, whatever the caller's environment says.
    pids: list[int] = []
    up = _lab(checkout, "up", HEADLESS="true", **ports, **several)
    try:
        assert up.returncode == 0, up.stderr
        address = f"http://127.0.0.1:{ports['PAGE_PORT']}"
        assert up.stdout == f"The lab is up (native): {address}\n"
        state = page_client.state(address)
        assert state
        assert (state["state"], state["held"], len(state["workers"])) == ("ready", 0, 2)
        assert page_client.taken(int(ports["SERVER_PORT"]))
        status = [line.split() for line in _lab(checkout, "status", ENGINE="native").stdout.splitlines()]
        assert " ".join(status[0]) == f"The lab is up (native): {address} (ready, 0 users, 0 held)"
        assert [line[:3] for line in status[1:]] == [
            [name, "running", "pid"] for name in ("server", "master", "worker-1", "worker-2")
        ]
        pids = [int(line[3]) for line in status[1:]]
        pids += _children(pids[0])
        assert len(pids) == 4 + 3  # its two processes, and that of its admin port
        assert [process["held"] for process in state["server_processes"]] in ([], [0, 0])  # []: not asked yet
        Page(address).swarm(20, 100)
        again = _lab(checkout, "up", **ports)
        assert (again.returncode, again.stdout) == (2, "")
        assert re.search(r"lab up: a run is under way at \S+ \(.*\), and `up` would end it: ", again.stderr)
        Page(address).post("/stop")
        _until(lambda: (checkout / "runs/latest/verdict.json").exists())
        assert (checkout / "runs/latest").resolve().name.endswith("Z-page")
        os.kill(pids[3], signal.SIGKILL)
        _until(lambda: "worker-2  has ended" in _lab(checkout, "status", ENGINE="native").stdout)
        assert "server | holdfast server listening on 127.0.0.1:" in _lab(checkout, "logs").stdout.replace("  ", " ")
    finally:
        down = _lab(checkout, "down", ENGINE="auto")
    assert (down.returncode, down.stdout) == (0, "The lab is down.\n")
    assert _gone(pids)
    assert not page_client.taken(int(ports["PAGE_PORT"]))
    assert _lab(checkout, "down").stdout == "No lab was up.\n"


@retry_on_busy_machine
def test_an_encrypted_run_that_passes_has_all_artefacts(checkout: Path, tmp_path: Path) -> None:
    """Plain runs are those of the other tests: of one that passes, that of `--wait`."""
    done = _lab(checkout, "ci", "--tls", "yes", GITHUB_STEP_SUMMARY=str(tmp_path / "github.md"))
    demand(0, done.returncode, done.stdout, done.stderr, verdict=_verdict(checkout))
    assert any(map(SECONDS_HELD.match, done.stderr.splitlines()))
    assert done.stdout.splitlines()[-2:] == [
        f"Report: runs/{(checkout / 'runs/latest').resolve().name}/report.html",
        "verdict: pass (exit code 0)",
    ]
    assert max(map(len, done.stdout.splitlines())) <= 79
    folder = checkout / "runs/latest"
    assert re.search(rf"^Artefacts: runs/{folder.resolve().name}/ \(also runs/latest\)$", done.stderr, re.M)
    assert {p.name for p in folder.iterdir()} == ARTEFACTS | {"logs"}
    assert {p.name for p in (folder / "logs").iterdir()} == {f"{n}.log" for n in ("server", "master", "worker-1")}
    verdict = _verdict(checkout)
    assert (verdict["verdict"], verdict["exit_code"], verdict["held"]["steady_min"]) == ("pass", 0, 20)
    assert verdict["held"]["server_steady_min"] == 20
    assert verdict["run"]["target"].startswith("tls://127.0.0.1:")
    assert "TCP,tls,20,0," in (folder / "stats.csv").read_text()
    with (folder / "stats.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert int(next(r for r in rows if r["name"] == "connect")["requests"]) == verdict["connections"]["attempted"] == 20
    assert json.loads((folder / "env.json").read_text())["host"]["engine"] == "native"
    assert (tmp_path / "github.md").read_text().strip() == (folder / "summary.md").read_text().strip()


ECHO = """
import socketserver, sys

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 100

Server(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
"""


@retry_on_busy_machine
def test_run_against_a_server_of_the_users_own_knows_its_cpu_and_memory(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text(ECHO)
    command = f"{sys.executable} {tmp_path / 'echo.py'} {{port}}"
    done = _lab(checkout, "ci", "--server-command", command)
    verdict = _verdict(checkout)
    demand(0, done.returncode, done.stdout, done.stderr, verdict=verdict)
    assert verdict["run"]["target"].startswith("tcp://127.0.0.1:")
    assert (verdict["server"]["source"], verdict["server"]["restarts"]) == ("/proc", 0)
    assert verdict["server"]["memory_max_bytes"] > 1_000_000
    assert verdict["ledger"]["reconciled"] is None
    report = (checkout / "runs/latest/report.html").read_text()
    assert "The server&#39;s CPU and memory" in report or "The server's CPU and memory" in report
    with (checkout / "runs/latest/timeline.csv").open() as file:
        assert any(row["server_memory_bytes"] for row in csv.DictReader(file))


def test_a_run_whose_workers_are_killed_ends_and_exits_with_4(checkout: Path) -> None:
    with _running(checkout, "ci", TIME="10m", WORKERS="2") as (run, _):
        children = _children(run.pid)
        for pid in [pid for pid, command in children.items() if "rawsocket worker" in command]:
            os.kill(pid, signal.SIGKILL)
        out, err = run.communicate(timeout=LONG)
        assert run.returncode == 4, out + err
    assert _verdict(checkout)["exit_code"] == 4
    assert len(children) == 4
    assert _gone(children)


def test_a_run_ends_with_a_lab_that_is_killed(checkout: Path) -> None:
    with _running(checkout, "ci", TIME="10m") as (run, _):
        children = _children(run.pid)
        run.kill()
        run.wait()
    assert len(children) == 3
    _until(lambda: _gone(children))
    _until(lambda: (checkout / "runs/latest/verdict.json").exists())
    # 4 if the master saw its workers end first: all of them end with the lab.
    assert _verdict(checkout)["exit_code"] in (130, 4)
    done = _lab(checkout, "down")
    said = " ".join(done.stderr.split())  # it is wrapped
    assert re.fullmatch(r"Removed what holdfast-\S+-ci-\S+ had left: its lab was killed\.", said)
    assert _lab(checkout, "down").stderr == ""


def test_ctrl_c_exits_with_130_and_leaves_no_process(checkout: Path) -> None:
    """With a target on the loopback: ENGINE=auto uses local processes, and starts no server."""
    with lab_server("--app", "echo") as (host, port):
        target = f"tcp://{host}:{port}"
        with _running(checkout, "load", "--target", target, TIME="10m", ENGINE="auto") as (run, said):
            children = _children(run.pid)
            run.send_signal(signal.SIGINT)
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=LONG)
            assert run.returncode == 130, out + err
    assert f"Target: {target}" in said
    assert "which no container reaches: using local processes" in " ".join(said.split())
    assert "Traceback" not in out + err
    assert sorted(command.split()[-1] for command in children.values()) == ["master", "worker"]
    assert _gone(children)
    assert {p.name for p in (checkout / "runs/latest").iterdir()} == ARTEFACTS | {"logs"}


def test_a_taken_port_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with lab_server() as (_, port):
        settings = read({"PAGE_PORT": str(port), "SERVER_PORT": str(page_client.free_port())}, {})
        with pytest.raises(LabError, match=rf"port {port} on 127.0.0.1 is taken .*`make up PAGE_PORT=\.\.\.`"):
            NativeEngine(settings, tmp_path).up()
    assert not NativeEngine(settings, tmp_path).running()


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("tcp://nosuch.invalid:9000", r"master: TARGET=tcp://nosuch\.invalid:9000: the name can't be resolved"),
        ("tcp://127.0.0.1:{free}", r"TARGET=tcp://127\.0\.0\.1:\d+: nothing listens there \(connection refused\)"),
    ],
)
def test_a_target_that_can_not_be_loaded_exits_with_2_and_its_line(checkout: Path, target: str, line: str) -> None:
    """As with what a server or worker refuses: tests/lab/engines/test_contract.py has these for the engines."""
    done = _lab(checkout, "ci", "--target", target.format(free=page_client.free_port()))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.match(f"lab ci: {line}", done.stderr.splitlines()[-1])
    assert "Artefacts" not in done.stderr


@retry_on_busy_machine
def test_wait_waits_for_a_target_that_is_started_during_the_wait(checkout: Path) -> None:
    port = page_client.free_port()
    command = [sys.executable, "-u", "-m", "lab", "ci", "--target", f"tcp://127.0.0.1:{port}", "--wait", "10m"]
    with subprocess.Popen(
        command, cwd=checkout, env=_environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr
        assert any(line.startswith(f"waiting for tcp://127.0.0.1:{port}: nothing listens there") for line in run.stderr)
        with running_server("--app", "echo", "--port", str(port)):
            out, err = run.communicate(timeout=240)
    assert "it answers after" in err
    demand(0, run.returncode, out, err, verdict=_verdict(checkout))


def test_a_new_folder_has_no_lab(tmp_path: Path) -> None:
    lab = NativeEngine(read({}, {}), tmp_path)
    lab.setup()
    assert not lab.running()
    assert lab.down() is False
    assert (lab.status(), lab.logs(), lab.clean()) == ([], [], [])
