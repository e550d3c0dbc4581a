import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import _socket
import errno
import logging
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from rawsocket.engine import dial as dialling
from rawsocket.engine.dial import READ, dial, named, ready
from rawsocket.errors import ConnectTimeout, RawSocketError, Refused, Reset
from rawsocket.target import Target

LONG = 30.0


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dialling, "_resolved", {})
    monkeypatch.setattr(dialling, "_resolving", {})
    monkeypatch.setattr(dialling, "_logged", set())


class Resolver:
    """Answers names with addresses, and counts how often it is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
        self.asked = 0
        self.answer = answer
        monkeypatch.setattr(dialling, "_ask", self._ask)

    def _ask(self, target: Target) -> Any:
        self.asked += 1
        gevent.sleep(0)
        del dialling._resolving[target]
        return self.answer


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def local(port: int) -> Any:
    return (socket.AF_INET, ("127.0.0.1", port))


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return made.getsockname()[1]


def test_a_dialled_socket_is_connected_unblocking_and_without_delay(listener: socket.socket):
    sock = dial(Target("127.0.0.1", listener.getsockname()[1]), LONG)
    assert sock.getpeername() == listener.getsockname()
    assert sock.gettimeout() == 0
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    sock.close()


def test_a_name_is_resolved_once_for_all_who_ask(listener: socket.socket, monkeypatch: pytest.MonkeyPatch):
    port = listener.getsockname()[1]
    resolver = Resolver(monkeypatch, [local(port)])
    dialled = [gevent.spawn(dial, Target("server", port), LONG) for _ in range(5)]
    for each in dialled:
        each.get(timeout=LONG).close()
    dial(Target("server", port), LONG).close()
    assert resolver.asked == 1


def test_the_address_that_answers_is_tried_first_the_next_time(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
):
    port = listener.getsockname()[1]
    Resolver(monkeypatch, [local(unused_port()), local(port)])
    target = Target("server", port)
    dial(target, LONG).close()
    assert dialling._resolved[target].addresses[0] == local(port)


def test_an_old_answer_is_asked_for_again_after_a_failed_connect(monkeypatch: pytest.MonkeyPatch):
    port = unused_port()
    resolver = Resolver(monkeypatch, [local(port)])
    target = Target("server", port)
    for _ in range(2):
        with pytest.raises(Refused):
            dial(target, LONG)
    assert resolver.asked == 1
    monkeypatch.setattr(dialling, "STALE_AFTER", 0.0)
    for _ in range(2):
        with pytest.raises(Refused):
            dial(target, LONG)
    assert resolver.asked == 2


def test_an_unknown_name_is_refused_logged_once_and_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    resolver = Resolver(monkeypatch, _socket.gaierror(_socket.EAI_NONAME, "Name or service not known"))
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            dial(Target("nowhere", 1), LONG)
    assert "can't be resolved" in caught.value.detail
    assert resolver.asked == 2
    assert len(caplog.records) == 1


def test_a_resolver_that_takes_too_long_is_connect_timeout(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dialling, "_ask", lambda target: gevent.sleep(LONG))
    with pytest.raises(ConnectTimeout, match="connect-timeout"):
        dial(Target("server", 1), 0.05)


@pytest.mark.parametrize(
    ("code", "failure", "logged"),
    [
        (errno.ECONNREFUSED, Refused, False),
        (errno.EADDRNOTAVAIL, Refused, True),
        (errno.EMFILE, Refused, True),
        (errno.ENETUNREACH, Refused, True),
        (errno.EHOSTUNREACH, Refused, True),
        (errno.ECONNRESET, Reset, False),
        (errno.ETIMEDOUT, ConnectTimeout, False),
    ],
)
def test_every_errno_has_one_name(
    code: int, failure: type[RawSocketError], logged: bool, caplog: pytest.LogCaptureFixture
):
    for _ in range(2):
        error = named(OSError(code, "as the kernel says"), "connect")
        assert type(error) is failure
        assert "as the kernel says" in error.detail
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * logged


def test_out_of_descriptors_is_refused_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def exhausted(*_: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(dialling._socket, "socket", exhausted)
    with pytest.raises(Refused):
        dial(Target("127.0.0.1", 1), LONG)
    assert "more workers" in caplog.text


def test_a_wait_ends_at_its_deadline_and_not_before():
    one, other = _socket.socketpair()
    watcher = gevent.get_hub().loop.io(one.fileno(), READ)
    deadline = time.perf_counter() + 0.02
    assert not ready(watcher, deadline)
    assert time.perf_counter() >= deadline
    gevent.spawn(other.send, b"x")
    assert ready(watcher, time.perf_counter() + LONG)
    watcher.close()
    one.close()
    other.close()


def test_who_dials_while_a_name_is_asked_for_again_takes_that_answer(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
):
    port = listener.getsockname()[1]
    resolver = Resolver(monkeypatch, [local(port)])
    dialling.ask_again(Target("again.test", port))
    dial(Target("again.test", port), LONG).close()
    assert resolver.asked == 1
    assert dialling.known(Target("again.test", port)) == [local(port)]


@pytest.fixture
def _sources() -> Iterator[None]:
    yield
    dialling.bind_to([])


@pytest.mark.usefixtures("_sources")
def test_sockets_are_bound_to_the_sources_of_their_family_in_turn():
    dialling.bind_to(["127.0.0.2", "127.0.0.3", "::1"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        opened = [dial(Target(*listener.getsockname()), LONG) for _ in range(4)]
        assert sorted(sock.getsockname()[0] for sock in opened) == ["127.0.0.2"] * 2 + ["127.0.0.3"] * 2
        for sock in opened:
            sock.close()


def _ten_free_ports(*hosts: str) -> int:
    """The first of ten ports that nobody on this machine is bound to."""
    return next(
        low for low in range(41_000, 61_000, 10) if all(_free(host, low + n) for n in range(10) for host in hosts)
    )


def _free(host: str, port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind((host, port))
        except OSError:
            return False
    return True


@pytest.mark.usefixtures("_sources")
def test_each_source_has_its_own_ports(monkeypatch: pytest.MonkeyPatch):
    """Ten ports and two addresses are twenty connections to one target, and the next one finds no port."""
    low = _ten_free_ports("127.0.0.2", "127.0.0.3", "")
    monkeypatch.setattr(dialling, "_port_range", lambda: struct.pack("I", (low + 9) << 16 | low))
    dialling.bind_to(["127.0.0.2", "127.0.0.3"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = Target(*listener.getsockname())
        opened = [dial(target, LONG) for _ in range(20)]
        assert len({sock.getsockname() for sock in opened}) == 20
        with pytest.raises(Refused) as caught:
            dial(target, LONG)
        assert "Cannot assign requested address" in caught.value.detail
        for sock in opened:
            sock.close()


def test_the_whole_range_of_ports_is_searched():
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert struct.unpack("HH", dialling._port_range()) == (low, high)


def test_readable_says_so_without_taking_anything_or_waiting():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    assert not dialling.readable(ours)
    theirs.send(b"x")
    assert dialling.readable(ours)
    assert ours.recv(10) == b"x"
    theirs.close()
    assert dialling.readable(ours)  # its end
    ours.close()
    assert dialling.readable(ours)  # an error
