"""A fixture for each real server: one server for all tests of a module, so tests compare counters, before and after."""

from collections.abc import Iterator

import pytest

from tests.real.real_server import RealServer
from tests.real.servers import SERVERS


def _fixture(name: str) -> object:
    def running() -> Iterator[RealServer]:
        with SERVERS[name]() as server:
            yield server

    return pytest.fixture(scope="module", name=name)(running)


for _name in SERVERS:
    globals()[f"_{_name}"] = _fixture(_name)
