"""Local processes with stand-ins for the programs of the lab."""

import json
import shlex
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab import page_client
from lab.engines import follow
from lab.engines.native import processes
from lab.engines.native.deployment import LISTENING, ProcessPart
from lab.engines.native.engine import NativeEngine
from lab.errors import Interrupted, LabError, UsageError
from lab.settings import read
from lab.waiting import wait_for
from tests.support.server_process import running_server


class Programs:
    """Stand-ins for the lab's programs: what the master does and says is the test's."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.engine = NativeEngine(read({"TARGET": "tcp://127.0.0.1:9", "WORKERS": "1", "TIME": "1s"}, {}), folder)
        self.monkeypatch = monkeypatch
        monkeypatch.setattr(page_client, "state", lambda address: {"workers": [1]})

    def master(self, code: str, worker: str = "import time; time.sleep(300)") -> None:
        start = processes.start

        def stand_in(name: str, command: Any, environ: Any, logs: Path, stop: int, **more: Any) -> processes.Process:
            what = code if name == "master" else worker
            return start(name, [sys.executable, "-c", what], environ, logs, stop, **more)

        self.monkeypatch.setattr(processes, "start", stand_in)

    def run(self) -> tuple[int, list[str]]:
        lines: list[str] = []
        return self.engine.run("x", lines.append, self.folder / "run"), lines


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path, monkeypatch)


@pytest.mark.parametrize(("code", "given"), [(0, 0), (3, 3), (4, 4), (2, 2), (7, 1), (137, 1)])
def test_the_masters_exit_code_is_that_of_the_run(programs: Programs, code: int, given: int) -> None:
    programs.master(f"import sys; sys.stdout.write('one\\ntwo'); sys.exit({code})")
    assert programs.run() == (given, ["one", "two"])


def test_a_worker_that_exits_with_2_before_the_start_ends_the_run(programs: Programs) -> None:
    programs.master("import time; time.sleep(300)", "import sys; print('SOURCES=x: no'); sys.exit(2)")
    with pytest.raises(UsageError, match=r"^worker: SOURCES=x: no$"):
        programs.run()


def test_a_worker_that_exits_with_2_after_the_start_does_not_end_the_run(programs: Programs) -> None:
    """The worker ends once the master has reported the start; the master ends when that could have been seen."""
    wait = "import pathlib, sys, time; here = pathlib.Path({!r})\nwhile not (here / {!r}).exists(): time.sleep(0.05)\n"
    started, over = (wait.format(str(programs.folder), name) for name in ("started", "over"))
    said = f"print('held 0/1  ', flush=True); open({str(programs.folder / 'started')!r}, 'w')\n"
    programs.master(f"{said}{over}time.sleep(1)", f"{started}(here / 'over').touch(); sys.exit(2)")
    assert programs.run() == (0, ["held 0/1  "])


@pytest.mark.parametrize(("code", "error"), [(2, UsageError), (1, LabError)])
def test_up_tells_a_usage_error_from_a_failure(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, code: int, error: type[LabError]
) -> None:
    programs.master(f"import sys; sys.stderr.write('because'); sys.exit({code})")
    monkeypatch.setattr(page_client, "state", lambda address: None)
    monkeypatch.setattr(page_client, "check_free", lambda *_: None)
    with pytest.raises(LabError) as raised:
        programs.engine.up()
    assert type(raised.value) is error
    assert "because" in str(raised.value) + raised.value.evidence


def test_environment_of_a_run(programs: Programs) -> None:
    programs.master("import json, os; print(json.dumps(dict(os.environ)))")
    environ = json.loads(programs.run()[1][0])
    assert environ["HEADLESS"] == "true"
    assert environ["HOLDFAST_LINGER"] == "false"
    assert environ["HOLDFAST_RUNS"] == str(programs.folder / "run")
    assert environ["TARGET"] == "tcp://127.0.0.1:9"
    assert environ["HOLDFAST_PAGE_HOST"] == environ["HOLDFAST_MASTER_BIND"] == "127.0.0.1"
    assert environ["HOLDFAST_PAGE_PORT"] != "8089"
    assert len(environ["HOLDFAST_CLUSTER_KEY"]) == 32


def test_environment_of_up(programs: Programs) -> None:
    """Each run from the page leaves its files in a folder of its own below runs/."""
    programs.master("import json, os; print(json.dumps(dict(os.environ)), flush=True); import time; time.sleep(300)")
    lab = programs.engine.lab()
    try:
        lab.start()
        wait_for("its log", lambda: lab.logs()[0][1].endswith("}\n"), 30)
        assert "running    pid" in lab.parts()[0].state()
        environ = json.loads(lab.logs()[0][1])
    finally:
        lab.stop()
    assert environ["HEADLESS"] == ""
    assert (environ["HOLDFAST_RUNS"], environ["HOLDFAST_RUN_FOLDERS"]) == (str(programs.engine.runs), "true")


def test_runs_from_the_page_are_brought_home_once_they_have_ended(programs: Programs) -> None:
    lab, runs = programs.engine.lab(), programs.folder / "runs"
    for name, files in (
        ("1-page", ["env.json", "verdict.json"]),
        ("2-page", ["env.json"]),
        ("3-load", ["verdict.json"]),
    ):
        (runs / name).mkdir(parents=True)
        for file in files:
            (runs / name / file).write_text("{}")
    assert lab.bring_home(runs, []) == ["1-page"]
    assert lab.bring_home(runs, ["1-page"]) == []
    (runs / "1-page/env.json").write_text('{"host": {}}')
    assert lab.bring_home(runs, []) == []


def test_clean_stops_the_labs_of_all_projects(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.master("import time; time.sleep(300)")
    monkeypatch.setenv("HOLDFAST_PROJECT", "second")
    second = NativeEngine(programs.engine.settings, programs.folder)
    second.lab().start()
    assert (second.running(), programs.engine.running()) == (True, False)
    monkeypatch.delenv("HOLDFAST_PROJECT")
    assert programs.engine.clean() == ["processes"]
    assert not second.running()
    assert programs.engine.clean() == []


def test_a_run_has_a_time_limit(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.master("import time; time.sleep(300)")
    monkeypatch.setattr(follow, "MARGIN_S", -1000.0)
    with pytest.raises(LabError, match="the run did not end within"):
        programs.run()


def test_interrupted_run_stops_the_master_before_its_worker(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The master waits for its worker's last numbers."""
    programs.master("import time; time.sleep(300)")
    stop, alive = processes.stop, []

    def noted(started: Any) -> None:
        alive.append([process.name for process in started if process.alive()])
        stop(started)

    monkeypatch.setattr(processes, "stop", noted)
    monkeypatch.setattr(follow, "MARGIN_S", -1000.0)
    with pytest.raises(LabError):
        programs.run()
    assert alive == [["master"], ["worker-1"]]


def test_an_interrupt_does_not_cut_the_clean_up_short(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_up_that_fails_leaves_no_process(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.master("import time; time.sleep(300)", "import sys; sys.exit(1)")
    monkeypatch.setattr(page_client, "workers", lambda address: 0)
    monkeypatch.setattr(page_client, "check_free", lambda *_: None)
    with pytest.raises(LabError, match="worker-1 ended with 1"):
        programs.engine.up()
    assert not programs.engine.running()
    assert [name for name, _ in programs.engine.logs()] == ["master", "worker-1"]


def test_the_servers_first_line_is_the_one_that_is_waited_for() -> None:
    """A text interface: where port 0 is asked for, the server alone knows its ports."""
    with running_server() as server:
        line = next(line for line in server.lines if LISTENING.search(line))
    match = LISTENING.search(line)
    assert match
    assert all(address.rpartition(":")[2].isdigit() for address in match.groups())


def test_worker_that_ends_in_a_run_is_told_to_the_master_once(programs: Programs) -> None:
    told = f"{programs.folder}/run/lab-facts.jsonl"
    wait = f"import os, time\nwhile not os.path.exists({told!r}): time.sleep(0.01)\ntime.sleep(0.5)"
    programs.master(wait, "import sys; sys.exit('out of luck')")
    assert programs.run()[0] == 0
    (line,) = Path(told).read_text().splitlines()
    assert json.loads(line) == {
        "part": "worker-1",
        "name": "ended",
        "text": "it ended with exit code 1",
        "log": "out of luck",
    }


def test_process_with_its_environment_until_its_children_have_ended_as_well(tmp_path: Path) -> None:
    code = "import os, time; os.fork(); print('up', flush=True); time.sleep(600)"
    made = processes.start("server", [sys.executable, "-c", code], {"NAME": "a"}, tmp_path, signal.SIGTERM)
    part = ProcessPart(made)
    wait_for("it", lambda: part.log().count("up") == 2, 30.0)
    assert (part.pid, part.environment("NAME"), part.environment("OTHER"), part.gone()) == (made.pid, "a", "", False)
    part.kill()
    wait_for("its end", part.gone, 30.0)
    assert part.environment("NAME") == ""


SERVER = """
import os, socket
port = int(os.environ["PORT"])
print("listening on", port, os.environ.get("PYTHONPATH", "without our packages"), flush=True)
with socket.create_server(("127.0.0.1", port)) as listener:
    while True:
        listener.accept()[0].close()
"""
SAYS_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.fixture
def theirs(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Programs]:
    """Runs a Python program as the user's own server; the stand-ins are for the others."""

    def make(code: str, wait: str = "30s", master: str = SAYS_ENVIRONMENT, **settings: str) -> Programs:
        command = shlex.join([sys.executable, "-c", code])
        given = {"SERVER_COMMAND": command, "WORKERS": "1", "TIME": "1s", "WAIT": wait, **settings}
        programs.engine = NativeEngine(read(given, {}), programs.folder)
        real = processes.start
        programs.master(master)
        others = processes.start

        def start(name: str, command: Any, environ: Any, *rest: Any, **more: Any) -> processes.Process:
            return (real if name == "server" else others)(name, command, environ, *rest, **more)

        monkeypatch.setattr(processes, "start", start)
        return programs

    return make


def test_server_of_the_users_own_is_a_local_process(
    theirs: Callable[..., Programs], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    programs = theirs(SERVER)
    code, lines = programs.run()
    assert code == 0
    environ = json.loads(lines[0])
    log = (programs.folder / "run/logs/server.log").read_text()
    assert log == f"listening on {environ['HOLDFAST_SERVER'].rpartition(':')[2]} without our packages\n"
    assert environ["HOLDFAST_SERVER"].startswith("tcp://127.0.0.1:")
    assert environ["HOLDFAST_SERVER_ADMIN"] == ""
    assert environ["HOLDFAST_SERVER_USAGE"].isdecimal()
    assert environ["HOLDFAST_SERVER_NAME"].startswith("SERVER_COMMAND=")


def test_server_of_the_users_own_on_a_port_of_its_own(theirs: Callable[..., Programs]) -> None:
    port = str(page_client.free_port())
    assert json.loads(theirs(SERVER, SERVER_LISTEN=port).run()[1][0])["HOLDFAST_SERVER"] == f"tcp://127.0.0.1:{port}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(LabError, match=f"port {port} on 127.0.0.1 is taken by another program: SERVER_LISTEN="):
            theirs(SERVER, SERVER_LISTEN=port).run()


def test_server_of_the_users_own_that_ends_at_once(theirs: Callable[..., Programs]) -> None:
    with pytest.raises(LabError, match="ended with exit code 7 before it could be loaded") as error:
        theirs("print('no luck', flush=True); raise SystemExit(7)").run()
    assert error.value.evidence == "no luck"


def test_server_of_the_users_own_that_ends_with_0_is_told_to_the_master(
    theirs: Callable[..., Programs], programs: Programs
) -> None:
    """It ends once the lab knows that the run has started, and the master as soon as it is told."""
    told, started = f"{programs.folder}/run/lab-facts.jsonl", programs.folder / "started"
    wait = "import os, time\nwhile not os.path.exists({!r}): time.sleep(0.01)\n"
    server = SERVER.replace("while True:\n        listener.accept()", "listener.accept()")
    theirs(f"{server}\n{wait.format(str(started))}", master=f"print('held 0/1  ', flush=True)\n{wait.format(told)}")
    assert programs.engine.run("x", lambda _: started.touch(), programs.folder / "run") == 0
    (line,) = Path(told).read_text().splitlines()
    assert json.loads(line)["text"] == "it ended with exit code 0"


def test_server_of_the_users_own_that_listens_elsewhere(theirs: Callable[..., Programs]) -> None:
    with pytest.raises(
        LabError, match=r"does not listen on port \d+ of 127.0.0.1 after 1 s: write {port} into"
    ) as error:
        theirs("import time; print('ready', flush=True); time.sleep(300)", "1s").run()
    assert error.value.evidence == "ready"
