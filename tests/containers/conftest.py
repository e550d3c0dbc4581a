"""A lab of the tests' own: own project name, own ports, removed at the end."""

import os
import re
from collections.abc import Iterator

import docker
import pytest

from lab import engine, page
from tests.conftest import missing
from tests.support.lab import Page, lab

PROJECT = f"holdfast-test-{os.getpid()}"


@pytest.fixture(scope="session")
def client() -> docker.DockerClient:
    reason = engine.unreachable()
    if reason:
        missing("docker", reason)
    return engine.client()


@pytest.fixture(scope="session")
def images(client: docker.DockerClient) -> None:
    done = lab("setup", HOLDFAST_PROJECT=PROJECT)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def lab_page(images: None) -> Iterator[Page]:
    own = {"HOLDFAST_PROJECT": PROJECT}
    ports = {"PAGE_PORT": str(page.free_port()), "SERVER_PORT": str(page.free_port())}
    try:
        up = lab("up", **own, **ports)
        assert up.returncode == 0, up.stderr
        address = re.search(r"http://127\.0\.0\.1:\d+", up.stdout)
        assert address, up.stdout
        yield Page(address[0])
    finally:
        down = lab("down", **own, **ports)
    assert down.returncode == 0, down.stderr
