"""Containers from their start to their removal, with stand-ins for the SDK and for compose."""

import socket
from pathlib import Path
from typing import Any

import docker
import pytest

from lab import page_client
from lab.engines import follow
from lab.engines.docker import deployment, watch
from lab.engines.docker.engine import DockerEngine
from lab.errors import Interrupted, LabError, UsageError
from lab.settings import read
from tests.support.fake_sdk import RUN, UP, Client, Container, Project


@pytest.mark.parametrize(
    ("status", "state", "message"),
    [
        ("running", {"Health": {"Status": "unhealthy"}}, "master-1 is unhealthy"),
        ("exited", {}, "master-1 is exited"),
        ("restarting", {}, "master-1 is restarting"),
    ],
)
def test_up_fails_early_with_the_log_of_the_container_that_failed(
    client: Client, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, status: str, state: Any, message: str
) -> None:
    monkeypatch.setattr(page_client, "workers", lambda address: -1)
    client.all = [Container("server", UP, "running"), Container("master", UP, status, **state)]
    with pytest.raises(LabError, match=message) as error:
        engine.up()
    assert error.value.evidence == "master says hello"


def test_a_start_that_fails_shows_the_log_of_the_container_and_what_compose_says(
    client: Client, engine: DockerEngine
) -> None:
    client.all = [Container("server", UP)]
    Project.failing = {"up": LabError("starting the containers failed", "compose's own words")}
    with pytest.raises(LabError, match="starting the containers failed") as error:
        engine.up()
    assert error.value.evidence == "server says hello\ncompose's own words"


SERVERS_LINE = b"holdfast server: --max-connections 2000 does not fit\n"


@pytest.mark.parametrize(("status", "code", "restarts"), [("exited", 2, 0), ("restarting", 2, 3), ("running", 0, 3)])
@pytest.mark.parametrize("verb", ["up", "run"])
def test_a_setting_refused_by_the_server_is_reported_in_its_own_line(
    client: Client, engine: DockerEngine, tmp_path: Path, verb: str, status: str, code: int, restarts: int
) -> None:
    server = Container("server", UP if verb == "up" else RUN, status, ExitCode=code)
    server.attrs["RestartCount"], server.text = restarts, SERVERS_LINE
    client.all = [server]
    Project.failing = {"up": LabError("starting the containers failed", "compose's own words")}
    with pytest.raises(UsageError, match=r"^server: --max-connections 2000 does not fit$"):
        engine.up() if verb == "up" else engine.run(RUN, lambda line: None, tmp_path)


@pytest.mark.parametrize(("role", "name"), [("server", "SERVER_MEM"), ("worker", "WORKER_MEM")])
@pytest.mark.parametrize("verb", ["up", "run"])
def test_a_part_that_lacks_memory_at_its_start_is_one_line(
    client: Client, engine: DockerEngine, tmp_path: Path, verb: str, role: str, name: str
) -> None:
    part = Container(role, UP if verb == "up" else RUN, ExitCode=137, OOMKilled=True)
    client.all = [part]
    Project.failing = {"up": LabError("starting the containers failed", "compose's own words")}
    with pytest.raises(LabError, match=rf"^the {role} was killed for lack of memory .*: raise {name}=1g$") as error:
        engine.up() if verb == "up" else engine.run(RUN, lambda line: None, tmp_path)
    assert error.value.evidence == ""


def test_a_setting_refused_by_a_worker_ends_the_run_before_it_starts(
    engine: DockerEngine, containers: list[Container], tmp_path: Path
) -> None:
    worker, master, _ = containers
    master.status, master.text = "running", b""
    worker.status, worker.attrs["State"]["ExitCode"], worker.text = "exited", 2, b"SOURCES=10.9.9.9: no\n"
    with pytest.raises(UsageError, match=r"^worker: SOURCES=10.9.9.9: no$"):
        engine.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked[-1] == "down"


def test_a_setting_refused_by_a_worker_fails_up(
    client: Client, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_client, "workers", lambda address: -1)
    worker = Container("worker", UP, "restarting", ExitCode=2)
    worker.text = b"SOURCES=10.9.9.9: no\n"
    client.all = [worker]
    with pytest.raises(UsageError, match=r"^worker: SOURCES=10.9.9.9: no$"):
        engine.up()


def test_a_run_gives_the_masters_exit_code_and_removes_its_project(
    engine: DockerEngine, containers: list[Container], tmp_path: Path
) -> None:
    master = containers[1]
    master.attrs["Image"] = "sha256:1"
    master.attrs["State"]["ExitCode"] = 3
    master.text = b"held 1/2 \r\nverdict fail\n"
    master.files = {"runs/verdict.json": b"{}", "runs/../outside": b"x", "runs/deep/er.txt": b"y"}
    lines: list[str] = []
    assert engine.run(RUN, lines.append, tmp_path) == 3
    assert lines == ["held 1/2 ", "verdict fail"]
    assert (engine.about["engine_version"], engine.about["images"]["master"]) == ("29.1", "sha256:1")
    (project,) = Project.made
    assert (project.publish, project.asked) == (False, ["write", "build", "up", "down"])
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"verdict.json", "deep/er.txt", *(f"logs/{c.name}.log" for c in containers)}
    assert (tmp_path / f"logs/{master.name}.log").read_bytes() == master.text
    assert not (tmp_path.parent / "outside").exists()


def test_a_run_waits_for_the_master(engine: DockerEngine, containers: list[Container], tmp_path: Path) -> None:
    master = containers[1]
    master.status = "running"

    def end() -> None:
        master.status, master.attrs["State"]["ExitCode"] = "exited", 4

    master.on_reload = end
    assert engine.run(RUN, lambda line: None, tmp_path) == 4


def _run_for(engine: DockerEngine, master: Container, folder: Path, polls: int) -> None:
    """Run until the lab has looked at the master so many times."""
    master.status = "running"
    left = list(range(polls))

    def look() -> None:
        if left.pop() == 0:
            master.status = "exited"

    master.on_reload = look
    engine.run(RUN, lambda line: None, folder)


def test_master_is_told_of_a_container_that_ends_while_it_runs(
    engine: DockerEngine, containers: list[Container], tmp_path: Path
) -> None:
    worker, master, _ = containers
    worker.status, worker.attrs["State"] = "exited", {"ExitCode": 137, "OOMKilled": True}
    _run_for(engine, master, tmp_path, 1)
    assert b'"part": "worker-1", "name": "out-of-memory"' in (tmp_path / "lab-facts.jsonl").read_bytes()


def test_engine_that_can_not_tell_the_master_is_asked_again_and_ends_no_run(
    engine: DockerEngine, containers: list[Container], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, master, _ = containers
    worker.status, worker.attrs["State"]["ExitCode"] = "exited", 1
    calls: list[str] = []

    def fail(self: Container, path: str, data: bytes) -> None:
        calls.append(path)
        raise docker.errors.APIError("busy")

    monkeypatch.setattr(Container, "put_archive", fail)
    _run_for(engine, master, tmp_path, 2)
    assert calls == ["/runs"] * 2


@pytest.mark.parametrize(("code", "given"), [(0, 0), (2, 2), (130, 130), (137, 1), (255, 1)])
def test_an_unexpected_exit_code_means_that_the_lab_failed(
    engine: DockerEngine,
    containers: list[Container],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    code: int,
    given: int,
) -> None:
    containers[1].attrs["State"]["ExitCode"] = code
    assert engine.run(RUN, lambda line: None, tmp_path) == given
    assert (f"the master exited with unexpected code {code}" in capsys.readouterr().err) is (code != given)


def test_a_run_has_a_time_limit(
    engine: DockerEngine, containers: list[Container], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    containers[1].status = "running"
    monkeypatch.setattr(follow, "MARGIN_S", -1000.0)
    with pytest.raises(LabError, match="the run did not end within"):
        engine.run(RUN, lambda line: None, tmp_path)
    assert containers[1].did[0] == "stop"
    assert Project.made[0].asked[-1] == "down"


def test_an_interrupted_run_is_stopped_collected_and_removed(
    engine: DockerEngine, containers: list[Container], tmp_path: Path
) -> None:
    containers[1].status = "running"
    containers[1].files = {"runs/verdict.json": b"{}"}

    def interrupt() -> None:
        raise Interrupted

    containers[1].on_reload = interrupt
    with pytest.raises(Interrupted):
        engine.run(RUN, lambda line: None, tmp_path)
    assert containers[1].did[0] == "stop"
    assert (tmp_path / "verdict.json").exists()
    assert Project.made[0].asked[-1] == "down"


def test_an_interrupt_does_not_cut_the_removal_short(
    engine: DockerEngine, containers: list[Container], tmp_path: Path
) -> None:
    Project.failing = {"down": Interrupted()}
    with pytest.raises(Interrupted):
        engine.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked[-2:] == ["down", "down"]


def test_artefacts_that_can_not_be_copied_do_not_prevent_the_removal(
    engine: DockerEngine, containers: list[Container], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise docker.errors.APIError("gone")

    monkeypatch.setattr(Container, "get_archive", fail)
    with pytest.raises(docker.errors.APIError):
        engine.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked[-1] == "down"


def test_a_start_that_fails_removes_the_run(engine: DockerEngine, tmp_path: Path) -> None:
    Project.failing = {"up": LabError("starting the containers failed")}
    with pytest.raises(LabError):
        engine.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked[-1] == "down"


@pytest.mark.parametrize(
    ("missing", "watched", "said"),
    [
        ("", True, "Grafana: http://127.0.0.1:{port}\n"),
        (
            "grafana/grafana:1",
            False,
            "No Grafana: grafana/grafana:1 can't be pulled. With a Prometheus",
        ),
    ],
)
def test_up_has_grafana_where_its_image_can_be_had(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    missing: str, watched: bool, said: str,
) -> None:  # fmt: skip
    port = str(page_client.free_port())
    engine.settings = read({"WATCH": "yes", "WATCH_PORT": port}, {})
    monkeypatch.setattr(watch, "missing", lambda: missing)
    engine.lab().prepare()
    assert Project.made[-1].watched is watched
    assert said.format(port=port) in capsys.readouterr().err


def test_a_run_of_its_own_has_no_grafana(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine.settings = read({"WATCH": "yes"}, {})
    monkeypatch.setattr(watch, "missing", lambda: pytest.fail("asked for an image"))
    engine.lab_of_run(RUN, tmp_path).prepare()
    assert Project.made[-1].watched is False


def test_a_port_of_grafana_that_another_program_has_is_an_error(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        engine.settings = read({"WATCH": "yes", "WATCH_PORT": str(port)}, {})
        monkeypatch.setattr(watch, "missing", lambda: "")
        with pytest.raises(LabError, match=rf"port {port} on 127.0.0.1 is taken .*`make up WATCH_PORT="):
            engine.lab().prepare()


def test_a_container_that_compose_leaves_is_removed(client: Client, engine: DockerEngine) -> None:
    """A worker that is restarted again and again may be started while compose removes it."""
    worker, other = Container("worker", UP, "restarting"), Container("worker", RUN, "running")
    client.all = [worker, other]
    engine.down()
    assert (worker.did[-1:], other.did) == (["remove"], [])


def test_a_container_that_stays_is_named(client: Client, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "LEFT_S", 0.0)
    worker = Container("worker", UP, "restarting")
    worker.remove = lambda force: None  # type: ignore[method-assign]
    client.all = [worker]
    with pytest.raises(LabError, match=f"these containers could not be removed: {worker.name}"):
        engine.down()
