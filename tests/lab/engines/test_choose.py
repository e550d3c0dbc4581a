import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engines import choose as engine
from lab.errors import LabError, UsageError
from lab.settings import Settings, read
from tests.support import fake_docker
from tests.support.fake_docker import FakeDocker


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
def none(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
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


def _settings(**values: str) -> Settings:
    return read(values, {})


@pytest.mark.parametrize("wanted", ["auto", "docker"])
@pytest.mark.parametrize("run", [True, False])
def test_an_engine_that_answers_is_used(answering: str, wanted: str, run: bool) -> None:
    assert engine.unreachable() == ""
    assert engine.choose(_settings(ENGINE=wanted), run=run) == "docker"


def test_native_asks_no_engine(answering: str) -> None:
    assert engine.choose(_settings(ENGINE="native"), run=True) == "native"


def test_auto_goes_native_where_none_answers_and_says_so(
    none: str, fake: FakeDocker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine.choose(_settings(), run=True) == "native"
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"no engine answers at {none}" in said
    assert "local processes" in said


def test_auto_goes_native_where_none_is_installed(
    none: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine.choose(_settings(), run=True) == "native"
    assert "none is installed" in capsys.readouterr().err


def test_a_socket_without_a_listener_is_no_engine(place: Path, none: str) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place / "none.sock"))
    assert engine.unreachable()


def test_docker_is_never_silently_replaced(none: str) -> None:
    with pytest.raises(LabError, match=r"ENGINE=docker, but .*: start the engine, or use ENGINE=native"):
        engine.choose(_settings(ENGINE="docker"), run=True)


@pytest.mark.parametrize("wanted", ["auto", "docker"])
def test_permission_denied_stops_and_says_how_to_mend_it(refusing: str, wanted: str) -> None:
    with pytest.raises(LabError, match="permission denied on the Docker engine's socket") as error:
        engine.choose(_settings(ENGINE=wanted), run=True)
    assert refusing in str(error.value)
    assert "usermod -aG docker" in str(error.value)
    assert error.value.exit_code == 1


def test_a_loopback_target_runs_as_local_processes(answering: str, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = _settings(TARGET="tcp://localhost:9000")
    assert engine.choose(chosen, run=True) == "native"
    assert "tcp://localhost:9000 is on this machine's loopback" in capsys.readouterr().err
    assert engine.choose(chosen, run=False) == "docker"


def test_another_target_stays_in_containers(answering: str) -> None:
    assert engine.choose(_settings(TARGET="tcp://10.0.0.5:9000"), run=True) == "docker"


def test_local_processes_need_linux(none: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match="work on Linux only"):
        engine.choose(_settings(), run=True)


def test_engine_host_of_the_environment_comes_first(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.world(host="unix:///context.sock")
    assert engine.engine_host() == "unix:///context.sock"
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine.sock")
    assert engine.engine_host() == "unix:///mine.sock"


def test_engine_host_without_a_context_is_the_usual_socket(fake: FakeDocker) -> None:
    assert engine.engine_host() == "unix:///var/run/docker.sock"


def test_client_speaks_to_the_engine(answering: str) -> None:
    client = engine.client()
    assert client.ping()
    client.close()
