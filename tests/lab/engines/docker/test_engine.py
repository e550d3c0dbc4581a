"""What the verbs ask of a Docker engine. A real one is asked in tests/lab/engines/test_contract.py."""

import socket
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from lab import page
from lab.engines.docker.engine import DockerEngine
from lab.errors import LabError
from lab.settings import read
from tests.support.fake_sdk import UP, Client, Container, Project


def test_a_build_removes_replaced_images_and_keeps_the_build_stages(engine: DockerEngine, client: Client) -> None:
    engine.setup()
    assert client.pruned == [{"dangling": True, "label": "holdfast.project", "label!": "holdfast.stage"}]


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


def test_a_prune_of_another_lab_does_not_fail_a_build(engine: DockerEngine, client: Client) -> None:
    client.images = _Busy(1)
    engine.setup()
    assert client.images.done == 0


def test_any_other_error_of_a_prune_fails_a_build(engine: DockerEngine, client: Client) -> None:
    client.images = _Busy(1, 500)
    with pytest.raises(docker.errors.APIError):
        engine.setup()


def test_clean_waits_for_the_prune_of_another_lab(engine: DockerEngine, client: Client) -> None:
    client.images, client.networks, client.volumes = _Busy(2), _Busy(0), _Busy(0)
    engine.clean()
    assert (client.images.left, client.images.done) == (0, 2)


def test_up_builds_starts_waits_and_gives_the_address(engine: DockerEngine) -> None:
    address = engine.up()
    assert address == f"http://127.0.0.1:{engine.settings['PAGE_PORT']}"
    (project,) = Project.made
    assert (project.name, project.publish, project.asked) == (UP, True, ["write", "build", "up"])


@pytest.mark.parametrize("name", ["PAGE_PORT", "SERVER_PORT"])
def test_a_taken_port_is_an_error_before_the_build(client: Client, name: str) -> None:
    free = {"PAGE_PORT": str(page.free_port()), "SERVER_PORT": str(page.free_port())}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        with pytest.raises(LabError, match=rf"port {port} on 127.0.0.1 is taken .*`make up {name}=\.\.\.`"):
            DockerEngine(read({**free, name: port}, {})).up()
    assert Project.made == []


def test_a_taken_server_port_does_not_matter_with_a_target(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ports = {"PAGE_PORT": str(page.free_port()), "SERVER_PORT": str(listener.getsockname()[1])}
        DockerEngine(read({**ports, "TARGET": "tcp://10.0.0.5:9000"}, {})).up()


def test_a_port_of_the_lab_that_is_up_already_is_not_taken(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        master = Container("master", UP, "running")
        master.ports = {"8089/tcp": [{"HostIp": "127.0.0.1", "HostPort": port}]}
        client.all = [master]
        DockerEngine(read({"PAGE_PORT": port, "SERVER_PORT": str(page.free_port())}, {})).up()


def test_down_says_whether_a_lab_was_up(client: Client, engine: DockerEngine) -> None:
    assert not engine.running()
    assert engine.down() is False
    client.all = [Container("server", UP)]
    assert engine.running()
    assert engine.down() is True
    assert Project.made[-1].asked == ["write", "down"]


def test_status_names_every_lab(client: Client, engine: DockerEngine) -> None:
    client.all = [
        Container("server", "one", "running", Health={"Status": "healthy"}),
        Container("master", "two"),
    ]
    lines = [line.split() for line in engine.status()]
    assert lines == [["one-server-1", "running", "healthy", "one"], ["two-master-1", "exited", "two"]]


def test_logs_are_those_of_the_lab_that_up_started(client: Client, engine: DockerEngine) -> None:
    client.all = [Container("server", UP), Container("master", UP), Container("server", "other")]
    assert engine.logs() == [
        (f"{UP}-master-1", "master says hello\n"),
        (f"{UP}-server-1", "server says hello\n"),
    ]


def test_setup_builds_and_starts_nothing(engine: DockerEngine) -> None:
    engine.setup()
    assert Project.made[0].asked == ["write", "build"]


def test_clean_removes_everything_with_the_label(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
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

    client: Any = engine._client
    client.containers, client.networks, client.volumes = Things("c"), Things("n"), Things("v")
    client.images = Things("holdfast-base:trixie", "holdfast-base:trixie-build", "holdfast-load:local")
    assert engine.clean() == [
        "container c",
        "network n",
        "volume v",
        "image holdfast-load:local",
        "image holdfast-base:trixie-build",
        "image holdfast-base:trixie",
    ]
    assert len(removed) == 6
    assert pruned == ["holdfast.project", "holdfast.stage"]
