"""The servers that the contract suite shares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.contract import (
    flags,
)
from tests.support.server_process import ServerProcess, running_server


@pytest.fixture(scope="module")
def server(model: str) -> Iterator[ServerProcess]:
    """A server with its defaults, shared by tests that leave it as it was."""
    with running_server(*flags(model)) as running:
        yield running


@pytest.fixture(scope="module")
def echo(model: str) -> Iterator[ServerProcess]:
    """An echo server, shared by tests that leave it as it was."""
    with running_server(*flags(model), "--app", "echo") as running:
        yield running
