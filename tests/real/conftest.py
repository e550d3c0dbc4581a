"""A fixture for each real server. One server serves all tests; each test sees how much its counters have grown.

Mosquitto 2.0.11 drops a counter that has not changed for 60 s, so how much it has grown may not be known later: each
test has a broker of its own.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.real.real_server import RealServer
from tests.real.servers import SERVERS


def _running(name: str) -> Callable[[], Iterator[RealServer]]:
    def running() -> Iterator[RealServer]:
        with SERVERS[name]() as server:
            yield server

    return running


def _shared(name: str) -> object:
    return pytest.fixture(scope="session", name=f"shared_{name}")(_running(name))


def _own(name: str) -> object:
    return pytest.fixture(name=name)(_running(name))


def _fixture(name: str) -> object:
    def marked(request: pytest.FixtureRequest) -> RealServer:
        server: RealServer = request.getfixturevalue(f"shared_{name}")
        server.mark()
        return server

    return pytest.fixture(name=name)(marked)


globals()["_mosquitto"] = _own("mosquitto")
for _name in SERVERS.keys() - {"mosquitto"}:
    globals()[f"_shared_{_name}"] = _shared(_name)
    globals()[f"_{_name}"] = _fixture(_name)
