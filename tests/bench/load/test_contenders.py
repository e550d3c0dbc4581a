import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.load import contenders
from bench.load.contenders import (
    CONTENDERS,
    SESSION,
    Generator,
    RunningGenerator,
    Workload,
    default_settings,
    fixed_port,
    idle,
    running,
)
from lab.engines.native import processes
from lab.errors import LabError
from tests.support.running_generator import demand_messages, until

WORKLOAD = Workload(4000, 10, 1000, 1.0, 20)
SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]


def _start(*codes: str) -> Any:
    def start(run: RunningGenerator, workload: Workload) -> None:
        for number, code in enumerate(codes):
            run.start(f"p{number}", [sys.executable, "-c", code], {})
        run.main = run.started[-1]

    return Generator("x", "X", start)


def test_fixed_port_is_below_the_ephemeral_ports(tmp_path: Path) -> None:
    (tmp_path / "sys/net/ipv4").mkdir(parents=True)
    (tmp_path / "sys/net/ipv4/ip_local_port_range").write_text("20000\t60999\n")
    assert all(10_000 <= fixed_port(tmp_path) < 20_000 for _ in range(20))
    (tmp_path / "sys/net/ipv4/ip_local_port_range").write_text("1024\t60999\n")
    assert 10_000 <= fixed_port(tmp_path) < 11_000


def test_missing_free_port_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders.page_client, "taken", lambda port: True)
    with pytest.raises(LabError, match="no free port from 10000"):
        fixed_port()


def test_all_processes_end_with_the_block(tmp_path: Path) -> None:
    class Failure(Exception):
        pass

    generator = _start(*["import time; time.sleep(300)"] * 2)
    seen: list[RunningGenerator] = []

    def fail(run: RunningGenerator) -> None:
        seen.append(run)
        assert run.died() == ""
        raise Failure

    with pytest.raises(Failure), running(generator, WORKLOAD, tmp_path) as run:
        fail(run)
    assert [process.alive() for process in seen[0].started] == [False, False]


def test_all_processes_end_if_the_start_fails(tmp_path: Path) -> None:
    started: list[processes.Process] = []

    def start(run: RunningGenerator, workload: Workload) -> None:
        started.append(run.start("one", SLEEP, {}))
        raise LabError("the second does not come")

    with pytest.raises(LabError), running(Generator("x", "X", start), WORKLOAD, tmp_path):
        pass
    assert not started[0].alive()


def test_finish_waits_for_the_main_process_and_checks_its_exit_code(tmp_path: Path) -> None:
    calls: list[int] = []
    with running(_start("raise SystemExit(4)"), WORKLOAD, tmp_path) as run:
        run.finish(60, lambda: calls.append(1))
    assert calls
    with running(_start("raise SystemExit('it broke')"), WORKLOAD, tmp_path) as run:
        with pytest.raises(LabError, match="x: p0 ended with 1") as error:
            run.finish(60)
        assert error.value.evidence == "it broke"
        assert run.died() == "p0 ended with 1"


def test_finish_does_not_wait_for_a_generator_without_an_end(tmp_path: Path) -> None:
    RunningGenerator("x", tmp_path).finish(0)


def test_process_is_idle_when_it_sleeps_after_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders, "IDLE_S", 0.2)
    work = "while time.process_time() < 0.3: pass"
    code = f"import time\n{work}\nprint(flush=True); time.sleep(300)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        is_idle = idle(process.pid)
        assert not is_idle()
        assert process.stdout
        process.stdout.readline()
        until(is_idle)
        process.kill()


def test_default_settings_ignore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIZE", "4000")
    monkeypatch.setenv("MAX_P99_MS", "1")
    found = default_settings()
    assert (found["SIZE"], found["MAX_P99_MS"], found["MAX_FAILURES"], found["MIN_HELD"]) == ("20", "0", "-1", "0")


@pytest.mark.parametrize(("every", "scenario"), [(1.0, "hold"), (0.0, "closed")])
def test_library_starts_with_the_same_commands_as_for_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: float, scenario: str
) -> None:
    started_with: dict[str, Any] = {}

    def start(name: str, command: list[str], environ: dict[str, str], logs: Path, stop: int) -> processes.Process:
        started_with[name] = (command[1:], environ)
        return processes.Process(name, os.getpid(), 0, str(logs), stop)

    monkeypatch.setattr(processes, "start", start)
    monkeypatch.setattr(contenders.RunningGenerator, "measure_idle", lambda self, process: None)
    run = RunningGenerator(SESSION, tmp_path)
    CONTENDERS[SESSION].start(run, Workload(4000, 10, 1000, every, 20, admin="http://127.0.0.1:9"))
    assert list(started_with) == ["worker", "master"]
    command, environ = started_with["master"]
    assert command == ["-m", "rawsocket", "master"]
    assert (environ["SCENARIO"], environ["USERS"], environ["RATE"], environ["TIME"]) == (scenario, "10", "1000", "20s")
    assert (environ["HOLDFAST_SERVER"], environ["TARGET"]) == ("tcp://127.0.0.1:4000", "")
    assert environ["HOLDFAST_SERVER_ADMIN"] == "http://127.0.0.1:9"
    assert started_with["worker"][1]["HOLDFAST_MASTER_PORT"] == environ["HOLDFAST_MASTER_PORT"]
    assert run.page == f"http://127.0.0.1:{environ['HOLDFAST_PAGE_PORT']}"
    assert run.started[-1].stop_signal == signal.SIGINT


def test_a_workload_over_tls_has_a_target_with_tls_and_its_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environs: list[dict[str, str]] = []

    def start(name: str, command: list[str], environ: dict[str, str], logs: Path, stop: int) -> processes.Process:
        environs.append(environ)
        return processes.Process(name, os.getpid(), 0, str(logs), stop)

    monkeypatch.setattr(processes, "start", start)
    monkeypatch.setattr(contenders.RunningGenerator, "measure_idle", lambda self, process: None)
    workload = Workload(4000, 10, 1000, 0.0, 20, ca="/tls/ca.pem", scenario="churn")
    CONTENDERS[SESSION].start(RunningGenerator(SESSION, tmp_path), workload)
    for environ in environs:
        assert (environ["HOLDFAST_SERVER"], environ["TLS_CA"]) == ("tls://127.0.0.1:4000", "/tls/ca.pem")
        assert environ["SCENARIO"] == "churn"


@pytest.mark.parametrize("every", [0.0, 0.05])
def test_our_generator_holds_connections_and_sends(tmp_path: Path, every: float) -> None:
    demand_messages(SESSION, tmp_path, every=every)
