"""A lab of the tests' own: own project name, own ports, removed at the end."""

import os
import re
from collections.abc import Callable, Iterator

import docker
import pytest

from lab import page
from lab.engines.docker.client import connect, unreachable
from tests.conftest import missing
from tests.support.lab import Page, lab

PROJECT = f"holdfast-test-{os.getpid()}"


@pytest.fixture(scope="session")
def client() -> docker.DockerClient:
    reason = unreachable()
    if reason:
        missing("docker", reason)
    return connect()


@pytest.fixture(scope="session")
def images(client: docker.DockerClient) -> None:
    done = lab("setup", HOLDFAST_PROJECT=PROJECT)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def bring_up(images: None) -> Iterator[Callable[..., Page]]:
    """Brings the one lab of the tests up, as often as is asked for; what the settings change is started anew."""
    own = {"HOLDFAST_PROJECT": PROJECT, "PAGE_PORT": str(page.free_port()), "SERVER_PORT": str(page.free_port())}

    def up(**settings: str) -> Page:
        done = lab("up", **own, **settings)
        assert done.returncode == 0, done.stderr
        address = re.search(r"http://127\.0\.0\.1:\d+", done.stdout)
        assert address, done.stdout
        return Page(address[0])

    try:
        yield up
    finally:
        down = lab("down", **own)
    assert down.returncode == 0, down.stderr


@pytest.fixture(scope="session")
def lab_page(bring_up: Callable[..., Page]) -> Page:
    return bring_up()
