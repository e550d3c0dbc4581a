"""What every engine promises, with real containers and real processes: one suite over both."""

import inspect
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import page_client
from lab.engines import follow
from lab.engines.base import Engine
from lab.engines.docker import client
from lab.engines.docker.engine import DockerEngine
from lab.engines.native.engine import NativeEngine
from lab.errors import Interrupted, LabError, UsageError
from lab.progress import PROGRESS_LINE, message
from lab.settings import read
from tests.conftest import missing
from tests.support.busy_machine import TOLERANT, demand, retry_on_busy_machine
from tests.support.pinned import ARTEFACTS
from tests.support.ports import lab_ports

PROJECT = f"holdfast-contract-{os.getpid()}"
SMALL = {"USERS": "20", "RATE": "100", "TIME": "4s", "EVERY": "0.5", "WORKERS": "1", "MAX_P99_MS": "0", **TOLERANT}
ENGINES = ("docker", "native")
Make = Callable[..., Engine]


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes an engine with the small settings, and with those of a test."""
    monkeypatch.setenv("HOLDFAST_PROJECT", PROJECT)
    if request.param == "docker" and (reason := client.unreachable()):
        missing("docker", reason)

    def engine(**settings: str) -> Engine:
        chosen = read({**SMALL, **settings}, {}, "ci")
        return DockerEngine(chosen) if request.param == "docker" else NativeEngine(chosen, tmp_path / ".lab")

    return engine


def _name() -> str:
    return f"{PROJECT}-run"


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_an_engine_has_a_name_and_every_method_of_the_interface() -> None:
    assert [DockerEngine.name, NativeEngine.name] == list(ENGINES)
    assert not inspect.isabstract(DockerEngine)
    assert not inspect.isabstract(NativeEngine)


@retry_on_busy_machine
def test_a_run_gives_the_verdict_as_exit_code_and_leaves_its_artefacts_alone(make: Make, tmp_path: Path) -> None:
    engine, lines = make(MAX_CONNECTIONS="15", MIN_HELD="18"), []
    code = engine.run(_name(), lines.append, tmp_path / "run")
    demand(3, code, "\n".join(lines), "")
    assert any(map(PROGRESS_LINE.match, lines))
    assert [found["result"]["verdict"] for line in lines if "result" in (found := message(line))] == ["fail"]
    assert _files(tmp_path / "run") == ARTEFACTS | {"logs"}
    assert len(_files(tmp_path / "run/logs")) == 3
    assert {path.stat().st_uid for path in (tmp_path / "run").rglob("*")} == {os.getuid()}
    verdict = json.loads((tmp_path / "run/verdict.json").read_text())
    assert (verdict["verdict"], verdict["exit_code"]) == ("fail", 3)
    # On a busy machine a refusal can take longer than the time after which a connection counts as held.
    tcp = verdict["connections"]
    refused = [found.get("server-full", 0) for found in (tcp["failed"], tcp["dropped"])]
    ended = tcp["attempted"] - tcp["abandoned"]  # the others were on their way when the run was stopped
    assert {*tcp["failed"], *tcp["dropped"]} == {"server-full"}
    assert 0 <= ended - 15 - sum(refused) <= 20 - 15  # connected, but not yet refused when the run was stopped
    assert _left(engine, _name()) == []


def _left(engine: Engine, name: str) -> list[Any]:
    """The containers of a finished run; of its processes there is no list: the log of each tells its end."""
    return list(engine.lab_of_run(name, Path(os.devnull)).parts()) if engine.name == "docker" else []


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"MAX_CONNECTIONS": "100000000"}, r"^server: --max-connections 100000000 does not fit"),
        ({"SOURCES": "192.0.2.1"}, r"^worker: SOURCES=192.0.2.1: 192.0.2.1 can't be used"),
    ],
)
def test_a_setting_that_a_part_refuses_is_a_usage_error_with_its_line(
    make: Make, tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    engine, lines = make(**settings), []
    with pytest.raises(UsageError, match=line) as error:
        engine.run(_name(), lines.append, tmp_path / "run")
    assert "\n" not in str(error.value)
    assert not any(map(PROGRESS_LINE.match, lines))
    assert _left(engine, _name()) == []


def test_an_interrupted_run_has_its_artefacts_and_leaves_nothing(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    sleep = follow.time.sleep

    def interrupt_when_held(seconds: float) -> None:
        if any(message(line).get("progress", {}).get("held") == 20 for line in lines):
            raise Interrupted
        sleep(seconds)

    engine = make(TIME="10m")
    clock = type("Clock", (), {"sleep": staticmethod(interrupt_when_held), "monotonic": follow.time.monotonic})
    monkeypatch.setattr(follow, "time", clock)
    with pytest.raises(Interrupted):
        engine.run(_name(), lines.append, tmp_path / "run")
    assert _files(tmp_path / "run") == ARTEFACTS | {"logs"}
    assert json.loads((tmp_path / "run/verdict.json").read_text())["exit_code"] == 130
    assert _left(engine, _name()) == []


@pytest.fixture
def up(make: Make) -> Iterator[tuple[Engine, str]]:
    engine = make(**lab_ports())
    try:
        yield engine, engine.up()
    finally:
        engine.down()


def test_up_status_logs_down(make: Make, up: tuple[Engine, str]) -> None:
    engine, address = up
    assert address == f"http://127.0.0.1:{engine.settings['PAGE_PORT']}"
    state = page_client.state(address)
    assert state
    assert (state["state"], state["held"], page_client.workers(address)) == ("ready", 0, 1)
    with socket.create_connection(("127.0.0.1", int(engine.settings["SERVER_PORT"])), timeout=30) as connection:
        connection.sendall(b"hello\n")
        assert connection.recv(100) == b"hello\n"
    assert engine.running()
    assert sorted(part.role for part in engine.lab().parts()) == ["master", "server", "worker"]
    first, *parts = engine.status()
    assert first == f"The lab is up ({engine.name}): {address} (ready, 0 users, 0 held)"
    names = [part.name for part in engine.lab().parts()]
    assert [line.split()[:2] for line in parts[:3]] == [[name, "running"] for name in names]
    assert len(engine.logs()) == 3
    assert any("holdfast server listening on" in text for _, text in engine.logs())

    # A lab that is up is replaced, on the ports that it has itself; with a target, no server is started.
    ports = {name: str(engine.settings[name]) for name in ("PAGE_PORT", "SERVER_PORT")}
    engine = make(TARGET="tcp://192.0.2.1:9", **ports)
    assert engine.up() == address
    assert page_client.workers(address) == 1
    assert sorted(part.role for part in engine.lab().parts()) == ["master", "worker"]

    assert engine.down()
    assert not engine.running()
    assert not page_client.taken(int(engine.settings["PAGE_PORT"]))
    assert not engine.down()


def test_up_on_a_taken_port_is_an_error_and_starts_nothing(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        engine = make(PAGE_PORT=str(listener.getsockname()[1]), SERVER_PORT=str(page_client.free_port()))
        with pytest.raises(LabError, match="is taken by another program: `make up PAGE_PORT="):
            engine.up()
    assert not engine.running()


def test_setup_starts_nothing(make: Make) -> None:
    engine = make()
    engine.setup()
    assert not engine.running()
