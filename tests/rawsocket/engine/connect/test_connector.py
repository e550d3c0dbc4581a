import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import errno
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rawsocket.engine.connect import client_socket as module
from rawsocket.engine.connect.connector import Connector
from rawsocket.engine.connect.resolver import Answer
from rawsocket.engine.reactor import Reactor
from rawsocket.errors import GeneratorLimit
from rawsocket.target import Target
from tests.support.connecting import route_to

CLOSED = 1  # a port without a listener
TRIES = 5  # at ten free ports


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    assert made.handlers == []
    made.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def connect(connector: Connector, address: Any) -> Any:
    sock = connector.open_socket(socket.AF_INET)
    code = sock.connect_ex(address)
    assert code in (0, errno.EINPROGRESS), errno.errorcode[code]
    return sock


def test_sockets_bind_to_the_source_addresses_of_their_family_in_turn():
    connector = Connector()
    connector.connect_from(["127.0.0.2", "127.0.0.3", "::1"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        opened = [connect(connector, listener.getsockname()) for _ in range(4)]
        assert sorted(sock.getsockname()[0] for sock in opened) == ["127.0.0.2"] * 2 + ["127.0.0.3"] * 2
        for sock in opened:
            sock.close()


def _ten_free_ports(*sources: str) -> int:
    """The first of ten ports in a row that a connect from each of these addresses can use.

    To bind a port says less: other tests' closed connections keep theirs for a minute, and other connects may use them.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        for low in range(41_000, 60_900, 10):
            if all(_free(source, port, listener) for port in range(low, low + 10) for source in sources):
                return low
    raise AssertionError("no ten ports in a row are free")


def _free(source: str, port: int, listener: socket.socket) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset keeps no port
        sock.setsockopt(socket.IPPROTO_IP, module.IP_LOCAL_PORT_RANGE, struct.pack("I", port << 16 | port))
        sock.setsockopt(socket.IPPROTO_IP, module.IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))
        return sock.connect_ex(listener.getsockname()) == 0


def _with_all_of_ten_ports(monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> tuple[Connector, list[Any]]:
    """A connector with ten ports, and twenty connections from two addresses; another program may take a port first."""
    for _ in range(TRIES):
        low = _ten_free_ports("127.0.0.2", "127.0.0.3")
        monkeypatch.setattr(module, "_port_range", lambda low=low: struct.pack("I", (low + 9) << 16 | low))
        connector = Connector()
        connector.connect_from(["127.0.0.2", "127.0.0.3"])
        opened = [connector.open_socket(socket.AF_INET) for _ in range(20)]
        codes = {sock.connect_ex(listener.getsockname()) for sock in opened}
        if codes <= {0, errno.EINPROGRESS}:
            return connector, opened
        for sock in opened:
            sock.close()
    raise AssertionError(f"other programs took ports {TRIES} times: {codes}")


def test_each_source_address_has_its_own_ports(reactor: Reactor, monkeypatch: pytest.MonkeyPatch):
    """Ten ports and two addresses are twenty connections to one target, and the next one finds no port."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        connector, opened = _with_all_of_ten_ports(monkeypatch, listener)
        assert len({sock.getsockname() for sock in opened}) == 20
        route = route_to(reactor, Target(*listener.getsockname()))
        attempt = connector.attempt(route, None, opened.append, opened.append)
        with pytest.raises(GeneratorLimit) as caught:
            attempt.begin()
        assert "Cannot assign requested address" in caught.value.detail
        for sock in opened:
            sock.close()


def spread_over(connector: Connector, spread: bool) -> list[object]:
    target = Target("three.test", 1)
    addresses: list[Any] = [(socket.AF_INET, (f"127.0.0.{n}", 1)) for n in (1, 2, 3)]
    connector.resolver._answers[target] = Answer(list(addresses), time.perf_counter())
    connector.spread = spread
    firsts = []
    for _ in range(6):
        found = connector.addresses(target)
        assert sorted(found) == sorted(addresses)
        firsts.append(found[0][1][0])
        connector.answered(target, addresses[2])
    return firsts


def test_connects_prefer_the_address_that_answered():
    assert spread_over(Connector(), False) == ["127.0.0.1"] + ["127.0.0.3"] * 5


def test_connects_are_spread_over_all_addresses_if_asked():
    assert spread_over(Connector(), True) == ["127.0.0.1", "127.0.0.2", "127.0.0.3"] * 2
