import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rawsocket import target_check
from rawsocket.settings.plan import UsageError
from rawsocket.target import Target
from tests.support.locust_fleet import free_port, locust_fleet, run_module

LONG = 60.0
UNKNOWN = Target("nosuch.invalid", 9000)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def silent() -> Target:
    """A port of this machine that nothing listens on."""
    return Target("127.0.0.1", free_port())


def _target(listener: socket.socket) -> Target:
    return Target("127.0.0.1", listener.getsockname()[1])


def _unknown(*_: object, **__: object) -> list[object]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_target_that_listens_is_found_at_once_and_nothing_is_said(listener: socket.socket) -> None:
    said: list[str] = []
    target_check.wait_for(_target(listener), 0, said.append)
    assert said == []


def test_each_address_of_a_name_is_tried(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    port = listener.getsockname()[1]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert target_check.problem(Target("both", port)) == ""


def test_without_wait_a_target_that_does_not_listen_is_one_line_at_once(silent: Target) -> None:
    said: list[str] = []
    with pytest.raises(UsageError) as error:
        target_check.wait_for(silent, 0, said.append)
    assert str(error.value) == (
        f"TARGET={silent}: nothing listens there (connection refused); "
        "check the address, or give WAIT=30s if it is still starting"
    )
    assert said == []


def test_wait_lasts_until_the_target_listens_and_says_so(silent: Target) -> None:
    """The target is started by the first line about the wait."""
    said: list[str] = []
    listening: list[socket.socket] = []

    def say(line: str) -> None:
        said.append(line)
        if not listening:
            listening.append(socket.create_server((silent.host, silent.port)))

    target_check.wait_for(silent, LONG, say)
    listening[0].close()
    assert said[0] == f"waiting for {silent}: nothing listens there (connection refused); 0 of 60 s"
    assert said[-1].startswith(f"waiting for {silent}: it answers after ")


def test_wait_that_is_over_is_one_line(silent: Target) -> None:
    with pytest.raises(
        UsageError, match=r"\(connection refused\), and WAIT=0\.5s is over; check the address, or raise"
    ):
        target_check.wait_for(silent, 0.5, lambda _: None)


def test_no_answer_is_told_from_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener with a full queue answers no further connect."""
    monkeypatch.setattr(target_check, "ANSWER_S", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        queued = [socket.socket() for _ in range(3)]
        for each in queued:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        assert target_check.problem(_target(full)) == "no answer within 0.2 s"
        for each in queued:
            each.close()


def test_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _unknown)
    line = r"^TARGET=tcp://nosuch\.invalid:9000: the name can't be resolved \(Name or service not known\)"
    with pytest.raises(UsageError, match=f"{line}; check the name$"):
        target_check.look_up(UNKNOWN)
    with pytest.raises(UsageError, match=line):
        target_check.wait_for(UNKNOWN, 0, lambda _: None)


def test_wait_covers_a_name_that_becomes_known_later(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a container is known only once it runs."""
    known = threading.Event()
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, **more: resolve("127.0.0.1", port, **more) if known.is_set() else _unknown(),
    )
    target_check.wait_for(Target("later", listener.getsockname()[1]), LONG, lambda _: known.set())


def test_a_known_name_is_looked_up_without_error() -> None:
    target_check.look_up(Target("127.0.0.1", 9))


class _NoRoute(socket.socket):
    """A machine on whose networks the target is not, so that only a gateway would lead there."""

    asked: list[int]

    def connect(self, _: object) -> None:
        self.asked.append(self.getsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE))
        raise OSError(101, "Network is unreachable")


def test_without_a_way_out_only_the_own_networks_count(silent: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    _NoRoute.asked = []
    monkeypatch.setattr(socket, "socket", _NoRoute)
    with pytest.raises(UsageError, match=r"the workers have no way out of the network .* -f compose\.target\.yaml"):
        target_check.wait_for(silent, 0, lambda _: None, way_out=False)
    with pytest.raises(UsageError, match=r"it can't be reached \(Network is unreachable\)"):
        target_check.wait_for(silent, 0, lambda _: None)
    assert _NoRoute.asked == [1, 0]


def test_a_target_on_an_own_network_needs_no_way_out(listener: socket.socket) -> None:
    assert target_check.problem(_target(listener), way_out=False) == ""


@pytest.mark.parametrize("role", ["master", "worker"])
def test_the_programs_refuse_an_unknown_name_before_they_start(role: str) -> None:
    done = run_module(role, TARGET=str(UNKNOWN))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"TARGET={UNKNOWN}: the name can't be resolved")


def test_a_headless_master_refuses_a_target_that_does_not_listen(tmp_path: Path, silent: Target) -> None:
    with locust_fleet(tmp_path, None, workers=1, TARGET=str(silent), HEADLESS="true", TIME="5s") as fleet:
        assert fleet.exit_code() == 2
        assert f"TARGET={silent}: nothing listens there" in fleet.err()


def test_server_that_the_lab_has_started_is_waited_for(listener: socket.socket, silent: Target) -> None:
    said: list[str] = []
    target_check.wait_for_server(_target(listener), LONG, said.append)
    assert said == []
    with pytest.raises(UsageError) as error:
        target_check.wait_for_server(silent, 0.1, said.append)
    assert str(error.value) == (
        f"your server can't be reached on port {silent.port} after 0.1 s: nothing listens there (connection refused); "
        "it must listen on all addresses (0.0.0.0) of its container; SERVER_LISTEN names another port, "
        "WAIT=2m waits longer"
    )
    assert said[0].startswith(f"waiting for {silent}: nothing listens there")
