"""A lab of the tests' own: own project name, own ports, removed at the end.

Three processes share these tests (tests/run.py). The tests of a lab that is up are one unit; all others run a lab each.
"""

import os
import re
from collections.abc import Callable, Iterator

import docker
import pytest

from lab.engines.docker.client import connect, unreachable
from tests.conftest import missing
from tests.support.lab import Page, lab
from tests.support.ports import lab_ports

PROJECT = f"holdfast-test-{os.getpid()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest units: no process should be left alone with one at the end."""
    items.sort(key=lambda item: item.path.stem not in ("test_processes", "test_lab"))


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


@pytest.fixture(scope="module")
def bring_up(images: None) -> Iterator[Callable[..., Page]]:
    """Bring up the one lab of a file's tests, with other settings each time; compose restarts what they change."""
    own = {"HOLDFAST_PROJECT": PROJECT, **lab_ports()}

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


@pytest.fixture(scope="module")
def lab_page(bring_up: Callable[..., Page]) -> Page:
    return bring_up()
