import socket
from pathlib import Path

import pytest

from lab.engines.docker import client
from tests.support.fake_docker import FakeDocker


def test_a_socket_without_a_listener_is_no_engine(place: Path, none: str) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place / "none.sock"))
    assert client.unreachable()


def test_docker_host_comes_before_the_context(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.set_state(host="unix:///context.sock")
    assert client.engine_host() == "unix:///context.sock"
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine.sock")
    assert client.engine_host() == "unix:///mine.sock"


def test_the_engine_without_a_context_is_at_the_usual_socket(fake: FakeDocker) -> None:
    assert client.engine_host() == "unix:///var/run/docker.sock"


def test_a_client_talks_to_the_engine(answering: str) -> None:
    made = client.connect()
    assert made.ping()
    made.close()
