"""The lab as local processes, end to end: server, master and workers on free ports, in a copy of the checkout."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab import page
from lab.engines.native import processes
from lab.engines.native.engine import NativeLab
from lab.errors import Interrupted, LabError, UsageError
from lab.run import folder as runs
from lab.settings import read
from tests.support.echo import lab_server
from tests.support.pinned import ARTEFACTS
from tests.support.undisturbed import demand, undisturbed

LONG = 60.0
SMALL = {"USERS": "20", "RATE": "100", "EVERY": "0.5", "TIME": "5s", "ENGINE": "native", "MAX_P99_MS": "0"}
SECONDS_HELD = re.compile(r"^held 20/20 ")


def _until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + LONG
    while not (found := true()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
    return found


def _environment(extra: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", **SMALL, **extra}


def _lab(checkout: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.run(
        command, cwd=checkout, env=_environment(extra), capture_output=True, text=True, timeout=240, check=False
    )


@contextmanager
def _running(checkout: Path, *arguments: str, **extra: str) -> Iterator["subprocess.Popen[str]"]:
    """A run in the background, once all of its users are held; killed with its children if the test fails."""
    command = [sys.executable, "-m", "lab", *arguments]
    with subprocess.Popen(
        command, cwd=checkout, env=_environment(extra), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        children: dict[int, str] = {}
        try:
            assert run.stdout
            assert any(SECONDS_HELD.match(line) for line in run.stdout), run.stderr and run.stderr.read()
            children = _children(run.pid)
            yield run
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
    ports = {"PAGE_PORT": str(page.free_port()), "SERVER_PORT": str(page.free_port()), "PROCESSES": "2"}
    # HEADLESS is for a run: `up` has a page to start from, whatever the caller's environment says.
    pids: list[int] = []
    up = _lab(checkout, "up", HEADLESS="true", **ports)
    try:
        assert up.returncode == 0, up.stderr
        address = f"http://127.0.0.1:{ports['PAGE_PORT']}"
        assert up.stdout == f"The lab is up (native): {address}\n"
        state = page.state(address)
        assert state
        assert (state["state"], state["held"], len(state["workers"])) == ("ready", 0, 2)
        assert page.taken(int(ports["SERVER_PORT"]))
        status = _lab(checkout, "status", ENGINE="auto").stdout.split()
        assert [word for word in status if word[0].isalpha()] == [
            part for name in ("server", "master", "worker-1", "worker-2") for part in (name, "running", "pid")
        ]
        pids = [int(word) for word in status if word.isdigit()]
        pids += _children(pids[0])
        assert len(pids) == 4 + 3  # its two processes, and that of its admin port
        assert [process["held"] for process in state["server_processes"]] in ([], [0, 0])  # []: not asked yet
        assert "server | holdfast server listening on 127.0.0.1:" in _lab(checkout, "logs").stdout.replace("  ", " ")
    finally:
        down = _lab(checkout, "down", ENGINE="auto")
    assert (down.returncode, down.stdout) == (0, "The lab is down.\n")
    assert _gone(pids)
    assert not page.taken(int(ports["PAGE_PORT"]))
    assert _lab(checkout, "down").stdout == "No lab was up.\n"


@undisturbed
def test_a_run_that_passes_and_its_artefacts(checkout: Path, tmp_path: Path) -> None:
    done = _lab(checkout, "ci", GITHUB_STEP_SUMMARY=str(tmp_path / "github.md"))
    demand(0, done.returncode, done.stdout, done.stderr)
    assert any(map(SECONDS_HELD.match, done.stdout.splitlines()))
    folder = checkout / "runs/latest"
    assert re.search(rf"^Artefacts: runs/{folder.resolve().name}/ \(also runs/latest\)$", done.stderr, re.M)
    assert {p.name for p in folder.iterdir()} == ARTEFACTS | {"logs"}
    assert {p.name for p in (folder / "logs").iterdir()} == {
        f"{n}.log" for n in ("server", "master", "worker-1", "worker-2")
    }
    verdict = _verdict(checkout)
    assert (verdict["verdict"], verdict["exit_code"], verdict["held"]["steady_min"]) == ("pass", 0, 20)
    assert verdict["held"]["server_steady_min"] == 20
    with (folder / "stats.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert int(next(r for r in rows if r["name"] == "connect")["requests"]) == verdict["connections"]["attempted"] == 20
    assert json.loads((folder / "env.json").read_text())["host"]["engine"] == "native"
    assert (tmp_path / "github.md").read_text().strip() == (folder / "summary.md").read_text().strip()


@undisturbed
def test_a_missed_threshold_is_3(checkout: Path) -> None:
    done = _lab(checkout, "ci", "--max-connections", "10", "--min-held", "15")
    demand(3, done.returncode, done.stdout, done.stderr)
    assert _verdict(checkout)["verdict"] == "fail"
    assert _verdict(checkout)["connections"]["failed"]["server-full"] >= 10


def test_no_workers_is_4(checkout: Path) -> None:
    done = _lab(checkout, "ci", "--workers", "0")
    assert done.returncode == 4, done.stdout + done.stderr
    assert (_verdict(checkout)["verdict"], _verdict(checkout)["exit_code"]) == ("unknown", 4)
    assert {p.name for p in (checkout / "runs/latest").iterdir()} == ARTEFACTS | {"logs"}


def test_every_worker_killed_half_way_is_4_and_ends_the_run(checkout: Path) -> None:
    with _running(checkout, "ci", TIME="10m") as run:
        children = _children(run.pid)
        for pid in [pid for pid, command in children.items() if "rawsocket worker" in command]:
            os.kill(pid, signal.SIGKILL)
        out, err = run.communicate(timeout=LONG)
        assert run.returncode == 4, out + err
    assert _verdict(checkout)["exit_code"] == 4
    assert len(children) == 4
    assert _gone(children)


def test_ctrl_c_is_130_and_leaves_no_process(checkout: Path) -> None:
    """With a target on the loopback: ENGINE=auto goes native by itself, and starts no server."""
    with lab_server("--app", "echo") as (host, port):
        target = f"tcp://{host}:{port}"
        with _running(checkout, "load", "--target", target, TIME="10m", ENGINE="auto") as run:
            children = _children(run.pid)
            run.send_signal(signal.SIGINT)
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=LONG)
            assert run.returncode == 130, out + err
    assert f"Target: {target}" in err
    assert "out of a container's reach: using local processes" in err
    assert "Traceback" not in out + err
    assert sorted(command.split()[-1] for command in children.values()) == ["master", "worker", "worker"]
    assert _gone(children)
    assert {p.name for p in (checkout / "runs/latest").iterdir()} == ARTEFACTS | {"logs"}


def test_a_taken_port_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    with lab_server() as (_, port):
        settings = read({"PAGE_PORT": str(port), "SERVER_PORT": str(page.free_port())}, {})
        with pytest.raises(LabError, match=rf"port {port} on 127.0.0.1 is taken .*`make up PAGE_PORT=\.\.\.`"):
            NativeLab(settings, tmp_path).up()
    assert not NativeLab(settings, tmp_path).running()


def test_a_setting_that_the_server_can_not_use_is_2_and_its_own_line(checkout: Path) -> None:
    done = _lab(checkout, "load", "--max-connections", "100000000")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.match(r"lab load: server: --max-connections 100000000 does not fit: ", done.stderr.splitlines()[-1])
    assert "Artefacts" not in done.stderr


def test_an_address_that_no_worker_has_is_2_at_once(checkout: Path) -> None:
    done = _lab(checkout, "load", "--sources", "192.0.2.1")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.match(r"lab load: worker-\d: SOURCES=192.0.2.1: 192.0.2.1 can't be used: ", done.stderr.splitlines()[-1])


@pytest.mark.parametrize(("target", "known"), [("tcp://nosuchhost.invalid:9000", False), ("tcp://127.0.0.1:9", True)])
def test_a_target_must_have_a_name_that_is_known_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, known: bool
) -> None:
    def resolve(host: str, *_: object, **__: object) -> list[object]:
        if host.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    lab = NativeLab(read({"TARGET": target}, {}), tmp_path)
    if known:
        lab.check()
    else:
        with pytest.raises(UsageError, match=f"TARGET={target}: the name can't be resolved; check it"):
            lab.check()


def test_the_labs_own_server_needs_no_name(tmp_path: Path) -> None:
    NativeLab(read({}, {}), tmp_path).check()


class Programs:
    """Stand-ins for the lab's programs: what the master does and says is the test's."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.lab = NativeLab(read({"TARGET": "tcp://127.0.0.1:9", "WORKERS": "1", "TIME": "1s"}, {}), folder)
        self.monkeypatch = monkeypatch
        monkeypatch.setattr(page, "state", lambda address: {"workers": [1]})

    def master(self, code: str, worker: str = "import time; time.sleep(300)") -> None:
        start = processes.start

        def stand_in(name: str, command: Any, environ: Any, logs: Path, stop: int) -> processes.Process:
            what = code if name == "master" else worker
            return start(name, [sys.executable, "-c", what], environ, logs, stop)

        self.monkeypatch.setattr(processes, "start", stand_in)

    def run(self) -> tuple[int, list[str]]:
        lines: list[str] = []
        return self.lab.run("x", lines.append, self.folder / "run"), lines


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path, monkeypatch)


@pytest.mark.parametrize(("code", "given"), [(0, 0), (3, 3), (4, 4), (2, 2), (7, 1), (137, 1)])
def test_the_masters_code_if_it_is_a_verdict(programs: Programs, code: int, given: int) -> None:
    programs.master(f"import sys; sys.stdout.write('one\\ntwo'); sys.exit({code})")
    assert programs.run() == (given, ["one", "two"])


def test_a_worker_that_ends_with_2_before_the_run_has_begun_ends_it(programs: Programs) -> None:
    programs.master("import time; time.sleep(300)", "import sys; print('SOURCES=x: no'); sys.exit(2)")
    with pytest.raises(UsageError, match=r"^worker-1: SOURCES=x: no$"):
        programs.run()


def test_a_worker_that_ends_with_2_later_does_not(programs: Programs) -> None:
    """The worker ends once the master has said that the run has begun; the master, when that could have been seen."""
    wait = "import pathlib, sys, time; here = pathlib.Path({!r})\nwhile not (here / {!r}).exists(): time.sleep(0.05)\n"
    begun, over = (wait.format(str(programs.folder), name) for name in ("begun", "over"))
    said = f"print('held 0/1  ', flush=True); open({str(programs.folder / 'begun')!r}, 'w')\n"
    programs.master(f"{said}{over}time.sleep(1)", f"{begun}(here / 'over').touch(); sys.exit(2)")
    assert programs.run() == (0, ["held 0/1  ", ""])


@pytest.mark.parametrize(("code", "error"), [(2, UsageError), (1, LabError)])
def test_up_tells_a_mistake_from_a_failure(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, code: int, error: type[LabError]
) -> None:
    programs.master(f"import sys; sys.stderr.write('because'); sys.exit({code})")
    monkeypatch.setattr(page, "state", lambda address: None)
    monkeypatch.setattr(page, "demand_free", lambda *_: None)
    with pytest.raises(LabError) as raised:
        programs.lab.up()
    assert type(raised.value) is error
    assert "because" in str(raised.value) + raised.value.evidence


def test_a_run_tells_the_processes_what_it_is(programs: Programs) -> None:
    programs.master("import json, os; print(json.dumps(dict(os.environ)))")
    environ = json.loads(programs.run()[1][0])
    assert environ["HEADLESS"] == "true"
    assert environ["HOLDFAST_LINGER"] == "false"
    assert environ["HOLDFAST_RUNS"] == str(programs.folder / "run")
    assert environ["TARGET"] == "tcp://127.0.0.1:9"
    assert environ["HOLDFAST_PAGE_HOST"] == environ["HOLDFAST_MASTER_BIND"] == "127.0.0.1"
    assert environ["HOLDFAST_PAGE_PORT"] != "8089"


def test_a_run_without_end_is_bounded(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.master("import time; time.sleep(300)")
    monkeypatch.setattr(runs, "MARGIN_S", -1000.0)
    with pytest.raises(LabError, match="the run did not end within"):
        programs.run()


def test_an_interrupt_during_the_end_does_not_cut_it_short(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.master("pass")
    stop, calls = processes.stop, []

    def interrupted_once(started: Any) -> None:
        calls.append(list(started))
        if len(calls) == 1:
            raise Interrupted
        stop(started)

    monkeypatch.setattr(processes, "stop", interrupted_once)
    with pytest.raises(Interrupted):
        programs.run()
    assert len(calls) == 2
    assert not any(process.alive() for process in calls[1])


def test_a_fresh_folder_has_no_lab(tmp_path: Path) -> None:
    lab = NativeLab(read({}, {}), tmp_path)
    lab.setup()
    assert not lab.running()
    assert lab.down() is False
    assert (lab.status(), lab.logs(), lab.clean()) == ([], [], [])
