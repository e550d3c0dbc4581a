"""Blocking calls that know when to end: accepting, and one conversation on a socket pair."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from server import blocking
from server.blocking import Conversation, ended_by, next_client, until_stopped
from server.service import Service
from server.signals import Stopped
from tests.support.services import service
from tests.support.sockets import ask, connect, eventually, fill, read_to_end


class Talk:
    """A conversation in a thread, and the client's end of it."""

    def __init__(self, made: Service) -> None:
        ours, self.client = socket.socketpair()
        self.client.settimeout(30)
        self.counters = made.counters
        self.conversation = Conversation(made, ours, "a client")
        self.thread = threading.Thread(target=self.conversation.run, daemon=True)
        self.thread.start()

    def reason(self) -> str:
        """Wait for the end; return why it came."""
        self.thread.join(30)
        assert not self.thread.is_alive()
        (found,) = [reason for reason, count in self.counters.closed.items() if count]
        return found


@contextmanager
def talking(*flags: str) -> Iterator[Talk]:
    with service("--app", "echo", *flags) as made:
        talk = Talk(made)
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


def test_an_accept_that_fails_is_counted_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "REST_SECONDS", 0)
    with service() as made:
        listener, failures = made.listener, [errno.EMFILE, errno.ECONNABORTED]

        class Failing:
            def accept(self) -> tuple[socket.socket, object]:
                if failures:
                    raise OSError(failures.pop(), "no")
                return listener.accept()

        listener.setblocking(True)
        made.listener = Failing()  # type: ignore[assignment]
        with connect(listener.getsockname()[1]) as client:
            sock, peer = next_client(made)
            sock.close()
            assert peer == client.getsockname()
        assert (made.counters.accepted, made.counters.accept_errors, made.counters.turns) == (1, 2, 3)
        failures.append(errno.EINVAL)  # shut down
        with pytest.raises(Stopped):
            next_client(made)
        failures.append(errno.EBADF)
        with pytest.raises(OSError, match="no"):
            next_client(made)


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


def test_what_has_arrived_is_answered_by_one_who_is_busy_when_asked_to_drain() -> None:
    with talking() as talk:
        taken = fill(talk.client, b"x" * 999 + b"\n")
        assert not talk.conversation.drain()
        replies = read_to_end(talk.client)
        assert 0 < len(replies) <= taken
        assert len(replies) % 1000 == 0
        talk.client.close()
        assert talk.reason() == "drain"


def test_one_who_lingers_is_left_to_that() -> None:
    with talking() as talk:
        _while_lingering(talk)
        eventually(lambda: talk.conversation._waiting, "it lingers")
        assert not talk.conversation.drain()
        talk.client.close()
        assert talk.reason() == "too-long"


def test_one_who_is_asked_before_it_waits_does_not_wait() -> None:
    with service("--app", "echo") as made:
        ours, client = socket.socketpair()
        conversation = Conversation(made, ours, "a client")
        with client:
            assert not conversation.drain()
            client.sendall(b"hello\n")
            client.settimeout(30)
            thread = threading.Thread(target=conversation.run, daemon=True)
            thread.start()
            assert read_to_end(client) == b"hello\n"
        thread.join(30)
        assert made.counters.closed["drain"] == 1


def _while_waiting(talk: Talk) -> None:
    ask(talk.client, b"hello\n")


def _while_sending(talk: Talk) -> None:
    fill(talk.client, b"x" * 999 + b"\n", quiet=0.1)


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
    with talking("--idle-timeout", "0.2") as talk:
        fill(talk.client, b"x" * 999 + b"\n", quiet=0.1)
        assert talk.reason() == "idle"


def test_a_message_that_began_is_late_before_it_is_idle() -> None:
    with talking("--idle-timeout", "60", "--message-timeout", "0.1") as talk:
        talk.client.sendall(b"hel")
        assert read_to_end(talk.client) == b"ERR message timeout\n"
        talk.client.close()
        assert talk.reason() == "message-timeout"


def test_an_error_that_nothing_covers_is_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Conversation) -> str:
        raise OSError(errno.EIO, "the disk of the network")

    monkeypatch.setattr(Conversation, "_serve", fails)
    with talking() as talk:
        assert talk.reason() == "failed"
