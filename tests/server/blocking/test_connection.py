"""One connection served with blocking calls: its timeouts, and how it drains and ends."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import NoReturn

import pytest

from server.blocking import connection as blocking
from server.blocking.connection import _BYTES_RECEIVED, BlockingConnection
from server.service import Service
from tests.support.services import service
from tests.support.sockets import ask, connect, eventually, fill, fill_for_good, read_exactly, read_to_end

Calls = dict[str, Callable[..., object]]


class Odd:
    """A socket some of whose methods are replaced; a replacement gets the socket as its first argument."""

    def __init__(self, sock: socket.socket, calls: Calls) -> None:
        self._sock = sock
        self._calls = calls

    def __getattr__(self, name: str) -> object:
        return partial(self._calls[name], self._sock) if name in self._calls else getattr(self._sock, name)


class Gate:
    """A point where a thread waits until the test opens it."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def pass_through(self) -> None:
        """Wait here until it is open."""
        self.reached.set()
        assert self.opened.wait(30)


class Talk:
    """A connection in a thread, and the client's end of it. `odd` methods replace those of the socket."""

    def __init__(self, made: Service, odd: Calls) -> None:
        ours, self.client = connected()
        self.counters = made.counters
        self.connection = BlockingConnection(made, Odd(ours, odd), "a client")  # type: ignore[arg-type]
        self.thread = threading.Thread(target=self.connection.run, daemon=True)
        self.thread.start()

    def received(self) -> int:
        """Return how many bytes the kernel has received from the client."""
        info = self.connection._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
        return int(_BYTES_RECEIVED.unpack(info)[0])

    def reason(self) -> str:
        """Wait for the end; return its reason."""
        self.thread.join(30)
        assert not self.thread.is_alive()
        (found,) = [reason for reason, count in self.counters.closed.items() if count]
        return found


def connected() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection: the server's, and the client's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = connect(listener.getsockname()[1])
        return listener.accept()[0], client


@contextmanager
def talking(*flags: str, **odd: Callable[..., object]) -> Iterator[Talk]:
    with service("--app", "echo", *flags) as made:
        talk = Talk(made, odd)
        with talk.client:
            yield talk
            talk.connection.cut()
            talk.thread.join(30)


def test_recv_has_a_timeout_only_while_a_message_is_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    with talking() as talk:
        ask(talk.client, b"hello\n")
        eventually(lambda: talk.connection._waiting, "it waits for the next message")
        assert talk.connection._sock.gettimeout() is None
        talk.client.sendall(b"hel")
        eventually(lambda: talk.connection._sock.gettimeout(), "it waits with a deadline")
        talk.client.sendall(b"lo\n")
        assert talk.client.recv(100) == b"hello\n"
        eventually(lambda: talk.connection._sock.gettimeout() is None, "it waits without one again")


def test_a_waiting_connection_drains_at_once() -> None:
    with talking() as talk:
        ask(talk.client, b"hello\n")
        eventually(lambda: talk.connection._waiting, "it waits for the next message")
        assert talk.connection.drain()
        assert read_to_end(talk.client) == b""
        assert talk.reason() == "drain"


def test_draining_waits_for_an_unfinished_message() -> None:
    with talking() as talk:
        talk.client.sendall(b"hel")
        eventually(lambda: talk.connection._inbox.has_partial, "it has a part")
        assert not talk.connection.drain()
        talk.client.sendall(b"lo\n")
        assert talk.client.recv(100) == b"hello\n"
        assert talk.client.recv(100) == b""
        talk.client.close()
        assert talk.reason() == "drain"


def test_draining_waits_for_an_unfinished_message_that_is_just_being_received() -> None:
    gate = Gate()

    def recv(sock: socket.socket, size: int) -> bytes:
        data = sock.recv(size)
        if data == b"hel":
            gate.pass_through()  # The kernel has no more input, and this input is not yet accounted for.
        return data

    with talking(recv=recv) as talk:
        talk.client.sendall(b"hel")
        assert gate.reached.wait(30)
        assert not talk.connection.drain()
        gate.opened.set()
        assert ask(talk.client, b"lo\n") == b"hello\n"
        assert talk.client.recv(100) == b""
        talk.client.close()
        assert talk.reason() == "drain"


LINES = b"".join(b"%09d\n" % number for number in range(4000))


@contextmanager
def drained_while_busy(arrived: bytes) -> Iterator[Talk]:
    """Yield a connection that was sending its first reply when asked to drain, with `arrived` received by then."""
    gate = Gate()

    def send(sock: socket.socket, data: bytes) -> int:
        gate.pass_through()
        return sock.send(data)

    with talking(send=send) as talk:
        talk.client.sendall(b"first\n")
        assert gate.reached.wait(30)
        talk.client.sendall(arrived)
        eventually(lambda: talk.received() == 6 + len(arrived), "all has arrived")
        assert not talk.connection.drain()
        gate.opened.set()
        yield talk
        talk.client.close()
        assert talk.reason() == "drain"


def test_a_busy_connection_that_drains_answers_what_has_arrived() -> None:
    with drained_while_busy(LINES) as talk:
        assert read_to_end(talk.client) == b"first\n" + LINES


def test_a_draining_connection_answers_no_more_than_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "DRAIN_BYTES", 100)
    with drained_while_busy(LINES) as talk:
        replies = read_to_end(talk.client)
        assert 100 < len(replies) < len(LINES)
        assert replies.endswith(b"\n")
        assert (b"first\n" + LINES).startswith(replies)


def test_draining_waits_for_an_unfinished_message_that_came_with_whole_ones() -> None:
    with drained_while_busy(b"one\ntw") as talk:
        assert read_exactly(talk.client, 10) == b"first\none\n"
        assert ask(talk.client, b"o\n") == b"two\n"
        assert talk.client.recv(100) == b""


def test_draining_does_not_interrupt_lingering() -> None:
    with talking() as talk:
        _while_lingering(talk)
        eventually(lambda: talk.connection._reason, "it lingers")
        assert not talk.connection.drain()
        talk.client.close()
        assert talk.reason() == "too-long"


def test_a_connection_that_drains_before_it_waits_does_not_wait() -> None:
    with service("--app", "echo") as made:
        ours, client = connected()
        connection = BlockingConnection(made, ours, "a client")
        with client:
            assert not connection.drain()
            client.sendall(b"hello\n")
            thread = threading.Thread(target=connection.run, daemon=True)
            thread.start()
            assert read_to_end(client) == b"hello\n"
        thread.join(30)
        assert made.counters.closed["drain"] == 1


def _while_waiting(talk: Talk) -> None:
    ask(talk.client, b"hello\n")


def _while_sending(talk: Talk) -> None:
    fill_for_good(talk.client, b"x" * 999 + b"\n", lambda: talk.counters.bytes_in)


def _while_lingering(talk: Talk) -> None:
    talk.client.sendall(b"x" * 100_000)
    assert talk.client.recv(100) == b"ERR message too long\n"


@pytest.mark.parametrize(
    ("when", "reason"), [(_while_waiting, "cut"), (_while_sending, "cut"), (_while_lingering, "too-long")]
)
def test_a_cut_ends_the_connection_whatever_it_does(when: Callable[[Talk], None], reason: str) -> None:
    with talking() as talk:
        when(talk)
        talk.connection.cut()
        assert talk.reason() == reason
        talk.connection.cut()  # A second call does nothing.


def test_a_client_that_reads_nothing_for_the_idle_timeout_is_closed() -> None:
    with talking("--idle-timeout", "1") as talk:
        with suppress(ConnectionError):  # The connection may end first.
            fill(talk.client, b"x" * 999 + b"\n", quiet=0.1)
        assert talk.reason() == "idle"


def test_the_message_timeout_applies_before_a_longer_idle_timeout() -> None:
    with talking("--idle-timeout", "60", "--message-timeout", "0.1") as talk:
        talk.client.sendall(b"hel")
        assert read_to_end(talk.client) == b"ERR message timeout\n"
        talk.client.close()
        assert talk.reason() == "message-timeout"


def test_a_message_is_not_late_while_the_server_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(blocking, "monotonic", lambda: clock[0])

    def send(sock: socket.socket, data: bytes) -> int:
        clock[0] += 3600
        return sock.send(data)

    with talking("--message-timeout", "600", send=send) as talk:
        assert ask(talk.client, b"one\ntw") == b"one\n"
        talk.client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            talk.client.recv(100)
        talk.client.settimeout(30)
        assert ask(talk.client, b"o\n") == b"two\n"


def lost(sock: socket.socket, _: object) -> NoReturn:
    raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def lost_in_the_middle(sock: socket.socket, size: int) -> bytes:
    return sock.recv(size) or lost(sock, size)


@pytest.mark.parametrize("odd", [{"recv": lost}, {"recv": lost_in_the_middle}, {"send": lost}])
def test_a_peer_that_the_kernel_gave_up_is_timed_out(odd: Calls) -> None:
    with talking("--idle-timeout", "600", **odd) as talk:
        with suppress(OSError):  # The connection may end first.
            talk.client.sendall(b"hello\nhel")
            talk.client.shutdown(socket.SHUT_WR)
        assert talk.reason() == "timed-out"


def test_an_unexpected_error_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: BlockingConnection) -> str:
        raise OSError(errno.EIO, "the disk of the network")

    monkeypatch.setattr(BlockingConnection, "_serve", fails)
    with talking() as talk:
        assert talk.reason() == "failed"
