"""Blocking calls that know when to end: accepting, and one conversation."""

from __future__ import annotations

import errno
import io
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import NoReturn

import pytest

from server.blocking.connection import _RECEIVED, REST_SECONDS, Conversation, ended_by, next_client, until_stopped
from server.blocking.connection import connection as blocking
from server.service import Service
from server.system.signals import Stopped
from tests.support.services import service
from tests.support.sockets import ask, connect, eventually, fill, fill_for_good, read_exactly, read_to_end

Calls = dict[str, Callable[..., object]]


class Odd:
    """A socket, but some of its calls are others, which are given the socket first."""

    def __init__(self, sock: socket.socket, calls: Calls) -> None:
        self._sock = sock
        self._calls = calls

    def __getattr__(self, name: str) -> object:
        return partial(self._calls[name], self._sock) if name in self._calls else getattr(self._sock, name)


class Gate:
    """Where a thread waits to be let on."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def pass_through(self) -> None:
        """Wait here until it is open."""
        self.reached.set()
        assert self.opened.wait(30)


class Talk:
    """A conversation in a thread, and the client's end of it. `odd` calls take the place of the socket's."""

    def __init__(self, made: Service, odd: Calls) -> None:
        ours, self.client = connected()
        self.counters = made.counters
        self.conversation = Conversation(made, Odd(ours, odd), "a client")  # type: ignore[arg-type]
        self.thread = threading.Thread(target=self.conversation.run, daemon=True)
        self.thread.start()

    def received(self) -> int:
        """Return how many bytes the kernel has had from the client."""
        info = self.conversation._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED.size)
        return int(_RECEIVED.unpack(info)[0])

    def reason(self) -> str:
        """Wait for the end; return why it came."""
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
            talk.conversation.cut()
            talk.thread.join(30)


# Accepting


@contextmanager
def signals_of(made: Service) -> Iterator[None]:
    """SIGTERM and SIGINT go to the service, and back to whom they belonged to."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    made.stops.install()
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_breaks_off_what_waits() -> None:
    turns = []

    def turn() -> None:
        turns.append(1)
        if len(turns) == 2:
            threading.Timer(0, signal.pthread_kill, (threading.get_ident(), signal.SIGTERM)).start()
            made.listener.accept()  # for ever, but for the signal

    with service() as made, signals_of(made):
        until_stopped(made, turn)
        assert len(turns) == 2
        assert made.draining
        assert not made.stops.interrupting


def test_a_signal_that_came_before_is_heeded() -> None:
    with service() as made, signals_of(made):
        os.kill(os.getpid(), signal.SIGTERM)
        until_stopped(made, lambda: pytest.fail("nothing more is begun"))


class Failing:
    """A listener whose accept fails with these errors first."""

    def __init__(self, listener: socket.socket, *failures: int) -> None:
        listener.setblocking(True)
        self.failures = [*failures]
        self._listener = listener

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            raise OSError(number := self.failures.pop(0), os.strerror(number))
        return self._listener.accept()


def test_an_accept_that_fails_is_counted_and_tried_again() -> None:
    rests: list[float] = []
    with service() as made, connect(made.listener.getsockname()[1]) as client:
        failing = Failing(made.listener, errno.ECONNABORTED, errno.EMFILE, errno.EAGAIN)
        made.listener = failing  # type: ignore[assignment]
        sock, peer = next_client(made, rests.append)
        sock.close()
        assert peer == client.getsockname()
        assert rests == [0, 0, REST_SECONDS, 0]
        assert (made.counters.accepted, made.counters.accept_errors, made.counters.turns) == (1, 2, 4)
        failing.failures = [errno.EINVAL]  # shut down
        with pytest.raises(Stopped):
            next_client(made)
        failing.failures = [errno.EBADF]
        with pytest.raises(OSError, match="Bad file descriptor"):
            next_client(made)


def test_one_line_when_descriptors_run_out_and_one_when_they_suffice_again() -> None:
    stream = io.StringIO()
    with service(stream=stream) as made, connect(made.listener.getsockname()[1]):
        failing = Failing(made.listener, errno.EMFILE, errno.ECONNABORTED, errno.EMFILE)
        made.listener = failing  # type: ignore[assignment]
        next_client(made, lambda rest: None)[0].close()
    assert stream.getvalue().splitlines()[-2:] == [
        "[Errno 24] Too many open files: newcomers wait until there is room",
        "descriptors suffice again",
    ]
    assert stream.getvalue().count("Too many") == 1


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.EPIPE, "reset"), (errno.ECONNRESET, "reset"), (errno.ETIMEDOUT, "timed-out"), (errno.EIO, "failed")],
)
def test_what_an_error_is(number: int, reason: str) -> None:
    assert ended_by(OSError(number, "")) == reason


# A conversation


def test_a_plain_recv_has_no_timeout_and_one_for_a_begun_message_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with talking() as talk:
        ask(talk.client, b"hello\n")
        eventually(lambda: talk.conversation._waiting, "it waits for the next message")
        assert talk.conversation._sock.gettimeout() is None
        talk.client.sendall(b"hel")
        eventually(lambda: talk.conversation._sock.gettimeout(), "it waits with a deadline")
        talk.client.sendall(b"lo\n")
        assert talk.client.recv(100) == b"hello\n"
        eventually(lambda: talk.conversation._sock.gettimeout() is None, "it waits without one again")


def test_who_waits_is_drained_at_once() -> None:
    with talking() as talk:
        ask(talk.client, b"hello\n")
        eventually(lambda: talk.conversation._waiting, "it waits for the next message")
        assert talk.conversation.drain()
        assert read_to_end(talk.client) == b""
        assert talk.reason() == "drain"


def test_a_begun_message_is_finished_first() -> None:
    with talking() as talk:
        talk.client.sendall(b"hel")
        eventually(lambda: talk.conversation._inbox.begun, "it has a part")
        assert not talk.conversation.drain()
        talk.client.sendall(b"lo\n")
        assert talk.client.recv(100) == b"hello\n"
        assert talk.client.recv(100) == b""
        talk.client.close()
        assert talk.reason() == "drain"


def test_a_begun_message_that_is_just_being_received_is_finished_first() -> None:
    gate = Gate()

    def recv(sock: socket.socket, size: int) -> bytes:
        data = sock.recv(size)
        if data == b"hel":
            gate.pass_through()  # The kernel has nothing any more, and nobody has been told of this.
        return data

    with talking(recv=recv) as talk:
        talk.client.sendall(b"hel")
        assert gate.reached.wait(30)
        assert not talk.conversation.drain()
        gate.opened.set()
        assert ask(talk.client, b"lo\n") == b"hello\n"
        assert talk.client.recv(100) == b""
        talk.client.close()
        assert talk.reason() == "drain"


LINES = b"".join(b"%09d\n" % number for number in range(4000))


@contextmanager
def drained_while_busy(arrived: bytes) -> Iterator[Talk]:
    """It is answering `first` when it is asked to drain, and `arrived` has arrived by then."""
    gate = Gate()

    def send(sock: socket.socket, data: bytes) -> int:
        gate.pass_through()
        return sock.send(data)

    with talking(send=send) as talk:
        talk.client.sendall(b"first\n")
        assert gate.reached.wait(30)
        talk.client.sendall(arrived)
        eventually(lambda: talk.received() == 6 + len(arrived), "all has arrived")
        assert not talk.conversation.drain()
        gate.opened.set()
        yield talk
        talk.client.close()
        assert talk.reason() == "drain"


def test_what_has_arrived_is_answered_by_one_who_is_busy_when_asked_to_drain() -> None:
    with drained_while_busy(LINES) as talk:
        assert read_to_end(talk.client) == b"first\n" + LINES


def test_not_everything_is_answered_that_one_who_is_drained_has_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "DRAIN_BYTES", 100)
    with drained_while_busy(LINES) as talk:
        replies = read_to_end(talk.client)
        assert 100 < len(replies) < len(LINES)
        assert replies.endswith(b"\n")
        assert (b"first\n" + LINES).startswith(replies)


def test_a_message_that_came_with_finished_ones_is_finished_too() -> None:
    with drained_while_busy(b"one\ntw") as talk:
        assert read_exactly(talk.client, 10) == b"first\none\n"
        assert ask(talk.client, b"o\n") == b"two\n"
        assert talk.client.recv(100) == b""


def test_one_who_lingers_is_left_to_that() -> None:
    with talking() as talk:
        _while_lingering(talk)
        eventually(lambda: talk.conversation._reason, "it lingers")
        assert not talk.conversation.drain()
        talk.client.close()
        assert talk.reason() == "too-long"


def test_one_who_is_asked_before_it_waits_does_not_wait() -> None:
    with service("--app", "echo") as made:
        ours, client = connected()
        conversation = Conversation(made, ours, "a client")
        with client:
            assert not conversation.drain()
            client.sendall(b"hello\n")
            thread = threading.Thread(target=conversation.run, daemon=True)
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
def test_a_cut_ends_it_whatever_it_does(when: Callable[[Talk], None], reason: str) -> None:
    with talking() as talk:
        when(talk)
        talk.conversation.cut()
        assert talk.reason() == reason
        talk.conversation.cut()  # A second one finds nothing.


def test_who_takes_nothing_for_the_idle_time_is_closed() -> None:
    with talking("--idle-timeout", "1") as talk:
        with suppress(ConnectionError):  # It may be over before this is.
            fill(talk.client, b"x" * 999 + b"\n", quiet=0.1)
        assert talk.reason() == "idle"


def test_a_message_that_began_is_late_before_it_is_idle() -> None:
    with talking("--idle-timeout", "60", "--message-timeout", "0.1") as talk:
        talk.client.sendall(b"hel")
        assert read_to_end(talk.client) == b"ERR message timeout\n"
        talk.client.close()
        assert talk.reason() == "message-timeout"


def test_the_time_in_which_nobody_reads_is_not_the_peers(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_peer_that_the_kernel_gave_up_is_neither_idle_nor_late(odd: Calls) -> None:
    with talking("--idle-timeout", "600", **odd) as talk:
        with suppress(OSError):  # It may be over before this is.
            talk.client.sendall(b"hello\nhel")
            talk.client.shutdown(socket.SHUT_WR)
        assert talk.reason() == "timed-out"


def test_an_error_that_nothing_covers_is_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Conversation) -> str:
        raise OSError(errno.EIO, "the disk of the network")

    monkeypatch.setattr(Conversation, "_serve", fails)
    with talking() as talk:
        assert talk.reason() == "failed"
