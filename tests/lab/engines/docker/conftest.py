"""A Docker engine without Docker: the SDK, compose and the base image are stand-ins."""

from pathlib import Path

import pytest

from lab import page_client
from lab.engines.docker import base_image, compose
from lab.engines.docker import client as docker_client
from lab.engines.docker.base_image import Base
from lab.engines.docker.engine import DockerEngine
from lab.settings import read
from tests.support.fake_sdk import Client, Container, Project
from tests.support.ports import lab_ports


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A client of no engine; compose and the base image are left out as well."""
    made = Client()
    Project.made, Project.failing = [], {}
    monkeypatch.setattr(docker_client, "connect", lambda: made)
    monkeypatch.setattr(compose, "Project", Project)
    monkeypatch.setattr(base_image, "ensure", lambda wanted: Base(wanted or "base:1", "base:1-build"))
    monkeypatch.setattr(page_client, "workers", lambda address: 2)
    return made


@pytest.fixture
def engine(client: Client, tmp_path: Path) -> DockerEngine:
    """What it writes down is below a folder of the test's own."""
    ports = lab_ports()
    return DockerEngine(read(ports, {}), tmp_path / ".lab")


@pytest.fixture
def containers(client: Client) -> list[Container]:
    client.all = [Container("worker", status="running"), Container("master"), Container("server")]
    return client.all
