"""A fixture for each real server. One server serves all tests; each test sees how much its counters have grown."""

from collections.abc import Iterator

import pytest

from tests.real.real_server import RealServer
from tests.real.servers import SERVERS


def _shared(name: str) -> object:
    def running() -> Iterator[RealServer]:
        with SERVERS[name]() as server:
            yield server

    return pytest.fixture(scope="session", name=f"shared_{name}")(running)


def _fixture(name: str) -> object:
    def marked(request: pytest.FixtureRequest) -> RealServer:
        server: RealServer = request.getfixturevalue(f"shared_{name}")
        server.mark()
        return server

    return pytest.fixture(name=name)(marked)


for _name in SERVERS:
    globals()[f"_shared_{_name}"] = _shared(_name)
    globals()[f"_{_name}"] = _fixture(_name)
