"""Fixtures of the tests of users. Nothing of rawsocket is imported here: Locust has to patch the process first."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support import echo

if TYPE_CHECKING:
    from tests.support.simulation import Simulation


@pytest.fixture
def server() -> Iterator[str]:
    """An echo server's URL."""
    with echo.running("echo") as (host, port):
        yield f"tcp://{host}:{port}"


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> "Simulation":
    """A simulated clock, reactor and server."""
    from tests.support.simulation import Simulation

    return Simulation(monkeypatch)
