"""Docker engines that answer, that are not there, or that refuse us."""

import gc
import os
import socket
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engines.docker import client
from tests.support import fake_docker
from tests.support.fake_docker import FakeDocker

# The Docker SDK leaves its socket open if it can't connect, and the lab its client until the process ends.
UNCLOSED = "unclosed <socket.socket fd="


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(f"ignore:{UNCLOSED}:ResourceWarning"))


@pytest.fixture(autouse=True)
def _sockets_of_the_sdk() -> Iterator[None]:
    """Collect those sockets here: elsewhere each would fail the test in which Python finds it."""
    yield
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", UNCLOSED, ResourceWarning)
        gc.collect()


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path: a unix socket's may have no more than 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="hf-") as folder:
        yield Path(folder)


@pytest.fixture
def answering(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with fake_docker.engine(place / "docker.sock") as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        yield host


@pytest.fixture
def none(place: Path, fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> str:
    """No engine at the usual socket, and no other one is named."""
    host = f"unix://{place}/none.sock"
    monkeypatch.setattr(client, "USUAL", host)
    return host


@pytest.fixture
def named(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An engine that is named, and does not answer."""
    host = f"unix://{place}/none.sock"
    monkeypatch.setenv("DOCKER_HOST", host)
    return host


@pytest.fixture
def refusing(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A socket that is there and that this user may not use; root gives up its rights meanwhile."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "docker.sock"))
        listener.listen()
        (place / "docker.sock").chmod(0)
        place.chmod(0o755)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{place}/docker.sock")
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        yield f"unix://{place}/docker.sock"
        if root:
            os.seteuid(0)
