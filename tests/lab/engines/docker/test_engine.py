"""The containers' side without an engine: a client that is made up, compose and base left out.

What a real engine makes of it is in tests/containers.
"""

import io
import socket
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from lab import page
from lab.engines import choose as engine
from lab.engines.docker import base_image as base
from lab.engines.docker import compose
from lab.engines.docker.base_image import Base
from lab.engines.docker.engine import UP_PROJECT, DockerLab
from lab.errors import Interrupted, LabError, UsageError
from lab.run import folder as runs
from lab.settings import read

RUN = "holdfast-ci-x"


class Container:
    """As much of the SDK's container as the lab uses."""

    def __init__(self, service: str, project: str = RUN, status: str = "exited", **state: Any) -> None:
        self.name = f"{project}-{service}-1"
        self.status = status
        self.labels = {
            "com.docker.compose.project": project,
            "com.docker.compose.service": service,
            "holdfast.project": project,
        }
        self.attrs: dict[str, Any] = {"State": {"ExitCode": 0, **state}}
        self.ports: dict[str, Any] = {}
        self.text = f"{service} says hello\n".encode()
        self.files: dict[str, bytes] = {}
        self.did: list[str] = []
        self.on_reload: Callable[[], None] = lambda: None

    def logs(self, *, stream: bool = False, **_: Any) -> Any:
        return iter([self.text[:5], self.text[5:]]) if stream else self.text

    def reload(self) -> None:
        self.on_reload()

    def stop(self, timeout: float) -> None:
        self.did.append("stop")

    def remove(self, force: bool) -> None:
        self.did.append("remove")

    def get_archive(self, path: str) -> tuple[Iterator[bytes], dict[str, Any]]:
        if not self.files:
            raise docker.errors.NotFound("no such path")
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name, content in self.files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return iter([out.getvalue()]), {}


class Engine:
    """As much of the SDK's client as the lab uses: containers, and images as far as they are pruned."""

    def __init__(self) -> None:
        self.all: list[Container] = []
        self.pruned: list[dict[str, Any]] = []
        self.containers = self
        self.images: Any = self
        self.networks: Any = self
        self.volumes: Any = self

    def prune(self, *, filters: dict[str, Any]) -> None:
        self.pruned.append(filters)

    def list(self, *, filters: dict[str, str], **_: Any) -> list[Container]:
        name, _, value = filters["label"].partition("=")
        return [c for c in self.all if name in c.labels and (not value or c.labels[name] == value)]


class Project:
    """A compose project that writes down what was asked of it."""

    made: list["Project"]
    failing: dict[str, BaseException]

    def __init__(self, name: str, settings: object, base: object = None, *, publish: bool = True) -> None:
        self.name, self.base, self.publish = name, base, publish
        self.asked: list[str] = []
        Project.made.append(self)

    def _ask(self, verb: str) -> None:
        self.asked.append(verb)
        if error := Project.failing.pop(verb, None):
            raise error

    def write(self) -> None:
        self._ask("write")

    def build(self) -> None:
        self._ask("build")

    def up(self) -> None:
        self._ask("up")

    def down(self) -> None:
        self._ask("down")


@pytest.fixture
def docker_engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    Project.made, Project.failing = [], {}
    monkeypatch.setattr(engine, "client", lambda: made)
    monkeypatch.setattr(compose, "Project", Project)
    monkeypatch.setattr(base, "ensure", lambda wanted: Base(wanted or "base:1", "base:1-build"))
    monkeypatch.setattr(page, "workers", lambda address: 2)
    return made


@pytest.fixture
def lab(docker_engine: Engine) -> DockerLab:
    return DockerLab(read({"PAGE_PORT": str(page.free_port()), "SERVER_PORT": str(page.free_port())}, {}))


@pytest.fixture
def containers(docker_engine: Engine) -> list[Container]:
    docker_engine.all = [Container("worker", status="running"), Container("master"), Container("server")]
    return docker_engine.all


def test_a_build_removes_what_it_has_replaced_and_leaves_the_stages_that_the_next_one_begins_from(
    lab: DockerLab, docker_engine: Engine
) -> None:
    lab.setup()
    assert docker_engine.pruned == [{"dangling": True, "label": "holdfast.project", "label!": "holdfast.stage"}]


class _Busy:
    """Images of an engine that is pruning for somebody else, so many times."""

    def __init__(self, times: int, status: int = 409) -> None:
        self.left, self.status, self.done = times, status, 0

    def prune(self, *, filters: dict[str, Any]) -> None:
        if self.left:
            self.left -= 1
            raise docker.errors.APIError("busy", response=SimpleNamespace(status_code=self.status, reason=""))
        self.done += 1

    def list(self, **_: Any) -> list[Any]:
        return []


def test_a_prune_of_another_lab_is_no_failure_of_a_build(lab: DockerLab, docker_engine: Engine) -> None:
    docker_engine.images = _Busy(1)
    lab.setup()
    assert docker_engine.images.done == 0


def test_any_other_refusal_of_a_prune_is_one(lab: DockerLab, docker_engine: Engine) -> None:
    docker_engine.images = _Busy(1, 500)
    with pytest.raises(docker.errors.APIError):
        lab.setup()


def test_clean_waits_until_the_other_prune_is_over(lab: DockerLab, docker_engine: Engine) -> None:
    docker_engine.images, docker_engine.networks, docker_engine.volumes = _Busy(2), _Busy(0), _Busy(0)
    lab.clean()
    assert (docker_engine.images.left, docker_engine.images.done) == (0, 2)


def test_up_builds_starts_waits_and_gives_the_address(lab: DockerLab) -> None:
    address = lab.up()
    assert address == f"http://127.0.0.1:{lab._settings['PAGE_PORT']}"
    (project,) = Project.made
    assert (project.name, project.publish, project.asked) == (UP_PROJECT, True, ["write", "build", "up"])


@pytest.mark.parametrize("name", ["PAGE_PORT", "SERVER_PORT"])
def test_a_taken_port_is_told_before_anything_is_built(docker_engine: Engine, name: str) -> None:
    free = {"PAGE_PORT": str(page.free_port()), "SERVER_PORT": str(page.free_port())}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with pytest.raises(LabError, match=rf"port {port} on 127.0.0.1 is taken .*`make up {name}=\.\.\.`"):
            DockerLab(read({**free, name: port}, {})).up()
    assert Project.made == []


def test_the_servers_port_does_not_matter_with_a_target(docker_engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ports = {"PAGE_PORT": str(page.free_port()), "SERVER_PORT": str(listener.getsockname()[1])}
        DockerLab(read({**ports, "TARGET": "tcp://10.0.0.5:9000"}, {})).up()


def test_a_port_of_the_lab_that_is_up_already_is_not_taken(docker_engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        master = Container("master", UP_PROJECT, "running")
        master.ports = {"8089/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}
        docker_engine.all = [master]
        DockerLab(read({"PAGE_PORT": port, "SERVER_PORT": str(page.free_port())}, {})).up()


@pytest.mark.parametrize(
    ("status", "state", "message"),
    [
        ("running", {"Health": {"Status": "unhealthy"}}, "master-1 is unhealthy"),
        ("exited", {}, "master-1 is exited"),
        ("restarting", {}, "master-1 is restarting"),
    ],
)
def test_up_fails_early_with_the_log_of_the_one_that_failed(
    docker_engine: Engine, lab: DockerLab, monkeypatch: pytest.MonkeyPatch, status: str, state: Any, message: str
) -> None:
    monkeypatch.setattr(page, "workers", lambda address: -1)
    docker_engine.all = [Container("server", UP_PROJECT, "running"), Container("master", UP_PROJECT, status, **state)]
    with pytest.raises(LabError, match=message) as error:
        lab.up()
    assert error.value.evidence == "master says hello"


def test_a_start_that_fails_shows_the_log_of_the_container(docker_engine: Engine, lab: DockerLab) -> None:
    docker_engine.all = [Container("server", UP_PROJECT)]
    Project.failing = {"up": LabError("starting the containers failed", "compose's own words")}
    with pytest.raises(LabError, match="starting the containers failed") as error:
        lab.up()
    assert error.value.evidence == "server says hello"


SERVERS_LINE = b"holdfast server: --max-connections 2000 does not fit\n"


@pytest.mark.parametrize(("status", "code", "restarts"), [("exited", 2, 0), ("restarting", 2, 3), ("running", 0, 3)])
@pytest.mark.parametrize("verb", ["up", "run"])
def test_a_setting_that_the_server_can_not_use_is_its_own_line(
    docker_engine: Engine, lab: DockerLab, tmp_path: Path, verb: str, status: str, code: int, restarts: int
) -> None:
    server = Container("server", UP_PROJECT if verb == "up" else RUN, status, ExitCode=code)
    server.attrs["RestartCount"], server.text = restarts, SERVERS_LINE
    docker_engine.all = [server]
    Project.failing = {"up": LabError("starting the containers failed", "compose's own words")}
    with pytest.raises(UsageError, match=r"^server: --max-connections 2000 does not fit$"):
        lab.up() if verb == "up" else lab.run(RUN, lambda line: None, tmp_path)


def test_an_address_that_no_worker_has_ends_the_run_before_it_begins(
    lab: DockerLab, containers: list[Container], tmp_path: Path
) -> None:
    worker, master, _ = containers
    master.status, master.text = "running", b""
    worker.status, worker.attrs["State"]["ExitCode"], worker.text = "exited", 2, b"SOURCES=10.9.9.9: no\n"
    with pytest.raises(UsageError, match=r"^worker: SOURCES=10.9.9.9: no$"):
        lab.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked[-1] == "down"


def test_up_says_it_as_well(docker_engine: Engine, lab: DockerLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "workers", lambda address: -1)
    worker = Container("worker", UP_PROJECT, "restarting", ExitCode=2)
    worker.text = b"SOURCES=10.9.9.9: no\n"
    docker_engine.all = [worker]
    with pytest.raises(UsageError, match=r"^worker: SOURCES=10.9.9.9: no$"):
        lab.up()


def test_a_targets_name_is_the_containers_business(docker_engine: Engine) -> None:
    DockerLab(read({"TARGET": "tcp://nosuchhost.invalid:9000"}, {})).check()


def test_down_says_whether_a_lab_was_up(docker_engine: Engine, lab: DockerLab) -> None:
    assert not lab.running()
    assert lab.down() is False
    docker_engine.all = [Container("server", UP_PROJECT)]
    assert lab.running()
    assert lab.down() is True
    assert Project.made[-1].asked == ["write", "down"]


def test_a_run_gives_the_masters_code_and_removes_its_project(
    lab: DockerLab, containers: list[Container], tmp_path: Path
) -> None:
    master = containers[1]
    master.attrs["State"]["ExitCode"] = 3
    master.text = b"held 1/2 \r\nverdict fail\n"
    master.files = {"runs/verdict.json": b"{}", "runs/../outside": b"x", "runs/deep/er.txt": b"y"}
    lines: list[str] = []
    assert lab.run(RUN, lines.append, tmp_path) == 3
    assert lines == ["held 1/2 ", "verdict fail"]
    (project,) = Project.made
    assert (project.publish, project.asked) == (False, ["write", "build", "up", "down"])
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"verdict.json", "deep/er.txt", *(f"logs/{c.name}.log" for c in containers)}
    assert (tmp_path / f"logs/{master.name}.log").read_bytes() == master.text
    assert not (tmp_path.parent / "outside").exists()


def test_a_run_waits_for_the_master(lab: DockerLab, containers: list[Container], tmp_path: Path) -> None:
    master = containers[1]
    master.status = "running"

    def end() -> None:
        master.status, master.attrs["State"]["ExitCode"] = "exited", 4

    master.on_reload = end
    assert lab.run(RUN, lambda line: None, tmp_path) == 4


@pytest.mark.parametrize(("code", "given"), [(0, 0), (2, 2), (130, 130), (137, 1), (255, 1)])
def test_a_code_that_is_no_verdict_means_that_the_lab_failed(
    lab: DockerLab,
    containers: list[Container],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    code: int,
    given: int,
) -> None:
    containers[1].attrs["State"]["ExitCode"] = code
    assert lab.run(RUN, lambda line: None, tmp_path) == given
    assert (f"the master ended with {code}, which is no verdict" in capsys.readouterr().err) is (code != given)


def test_a_run_without_end_is_bounded(
    lab: DockerLab, containers: list[Container], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    containers[1].status = "running"
    monkeypatch.setattr(runs, "MARGIN_S", -1000.0)
    with pytest.raises(LabError, match="the run did not end within"):
        lab.run(RUN, lambda line: None, tmp_path)
    assert containers[1].did == ["stop"]
    assert Project.made[0].asked[-1] == "down"


def test_an_interrupted_run_is_stopped_brought_home_and_removed(
    lab: DockerLab, containers: list[Container], tmp_path: Path
) -> None:
    containers[1].status = "running"
    containers[1].files = {"runs/verdict.json": b"{}"}

    def interrupt() -> None:
        raise Interrupted

    containers[1].on_reload = interrupt
    with pytest.raises(Interrupted):
        lab.run(RUN, lambda line: None, tmp_path)
    assert containers[1].did == ["stop"]
    assert (tmp_path / "verdict.json").exists()
    assert Project.made[0].asked[-1] == "down"


def test_an_interrupt_during_the_removal_does_not_cut_it_short(
    lab: DockerLab, containers: list[Container], tmp_path: Path
) -> None:
    Project.failing = {"down": Interrupted()}
    with pytest.raises(Interrupted):
        lab.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked[-2:] == ["down", "down"]


def test_artefacts_that_can_not_be_had_keep_nothing_from_being_removed(
    lab: DockerLab, containers: list[Container], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise docker.errors.APIError("gone")

    monkeypatch.setattr(Container, "get_archive", fail)
    with pytest.raises(docker.errors.APIError):
        lab.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked[-1] == "down"


def test_a_start_that_fails_removes_the_run(lab: DockerLab, tmp_path: Path) -> None:
    Project.failing = {"up": LabError("starting the containers failed")}
    with pytest.raises(LabError):
        lab.run(RUN, lambda line: None, tmp_path)
    assert Project.made[0].asked[-1] == "down"


def test_status_names_every_lab(docker_engine: Engine, lab: DockerLab) -> None:
    docker_engine.all = [
        Container("server", "one", "running", Health={"Status": "healthy"}),
        Container("master", "two"),
    ]
    lines = [line.split() for line in lab.status()]
    assert lines == [["one-server-1", "running", "healthy", "one"], ["two-master-1", "exited", "two"]]


def test_logs_are_those_of_the_lab_that_is_up(docker_engine: Engine, lab: DockerLab) -> None:
    docker_engine.all = [Container("server", UP_PROJECT), Container("master", UP_PROJECT), Container("server", "other")]
    assert lab.logs() == [
        (f"{UP_PROJECT}-master-1", "master says hello\n"),
        (f"{UP_PROJECT}-server-1", "server says hello\n"),
    ]


def test_setup_builds_and_starts_nothing(lab: DockerLab) -> None:
    lab.setup()
    assert Project.made[0].asked == ["write", "build"]


def test_clean_removes_all_that_carries_the_label(lab: DockerLab, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    pruned: list[str] = []

    class Things:
        def __init__(self, *names: str) -> None:
            self.names = names

        def list(self, filters: dict[str, str], **_: Any) -> list[Any]:
            assert filters == {"label": "holdfast.project"}
            return [Thing(name) for name in self.names]

        def remove(self, tag: str, force: bool) -> None:
            removed.append(tag)

        def prune(self, filters: dict[str, Any]) -> None:
            pruned.append(filters["label"])

    class Thing:
        def __init__(self, name: str) -> None:
            self.name, self.tags = name, [name]

        def remove(self, **_: Any) -> None:
            removed.append(self.name)

    client: Any = lab._client
    client.containers, client.networks, client.volumes = Things("c"), Things("n"), Things("v")
    client.images = Things("holdfast-base:trixie", "holdfast-base:trixie-build", "holdfast-load:local")
    assert lab.clean() == [
        "container c",
        "network n",
        "volume v",
        "image holdfast-load:local",
        "image holdfast-base:trixie-build",
        "image holdfast-base:trixie",
    ]
    assert len(removed) == 6
    assert pruned == ["holdfast.project", "holdfast.stage"]
