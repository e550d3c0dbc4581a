"""Containers with a server of the user's own, from their start to their removal, with stand-ins for SDK and compose."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from lab.engines.docker import base_image
from lab.engines.docker.engine import DockerEngine
from lab.engines.docker.user_server import usage
from lab.engines.docker.user_server.image import ServerImage
from lab.errors import LabError
from lab.settings import read
from tests.support.fake_sdk import RUN, UP, Client, Container, Project


class _Relay:
    """Stands in for the thread that tells the master of CPU and memory."""

    made: list["_Relay"]

    def __init__(self, project: str) -> None:
        self.project, self.stopped = project, 0
        _Relay.made.append(self)

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def theirs(client: Client, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> DockerEngine:
    """A lab with a server of the user's own, whose image is there."""
    engine.settings = read({**engine.settings.values, "SERVER_IMAGE": "theirs:1"}, {})
    config = {"Config": {"ExposedPorts": {"7000/tcp": {}}, "User": "app"}}
    monkeypatch.setattr(Client, "get", lambda self, name: SimpleNamespace(attrs=config), raising=False)
    monkeypatch.setattr(base_image, "have", lambda name: True)
    _Relay.made = []
    monkeypatch.setattr(usage, "Relay", _Relay)
    return engine


def test_run_with_a_server_of_the_users_own(theirs: DockerEngine, containers: list[Container], tmp_path: Path) -> None:
    """Port and user are read from its image after the build; its CPU and memory are reported until the run ends."""
    server, master = containers[2], containers[1]
    server.status = "running"
    master.files = {"runs/verdict.json": b"{}", "runs/server-usage.json": b"{}"}
    assert theirs.run(RUN, lambda line: None, tmp_path) == 0
    (project,) = Project.made
    assert project.asked == ["write", "build", "write", "up", "down"]
    assert project.server == ServerImage("theirs:1", 7000, is_root=False)
    (relay,) = _Relay.made
    assert (relay.project, relay.stopped > 0) == (RUN, True)
    assert not (tmp_path / "server-usage.json").exists()


def test_server_of_the_users_own_that_ends_at_once(
    theirs: DockerEngine, containers: list[Container], tmp_path: Path
) -> None:
    _, master, server = containers
    master.status, server.text = "running", b"bind: permission denied\n"
    server.attrs["State"]["ExitCode"] = 2
    line = r"^SERVER_IMAGE=theirs:1 ended with exit code 2 .* add SERVER_WRITABLE=yes$"
    with pytest.raises(LabError, match=line) as e:
        theirs.run(RUN, lambda line: None, tmp_path)
    assert (e.value.exit_code, e.value.evidence) == (1, "bind: permission denied")
    assert Project.made[0].asked[-1] == "down"


def test_server_of_the_users_own_that_the_master_can_not_reach(
    theirs: DockerEngine, containers: list[Container], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, master, server = containers
    server.status, master.attrs["State"]["ExitCode"] = "running", 2
    assert theirs.run(RUN, lambda line: None, tmp_path) == 2
    assert "server says hello\n" in capsys.readouterr().err


def test_up_leaves_a_process_that_tells_what_the_users_server_uses(
    theirs: DockerEngine, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str] = []
    monkeypatch.setattr(usage, "leave_behind", lambda project, folder: left.append(project))
    theirs.up()
    assert (left, _Relay.made) == ([UP], [])
