"""Accepting with blocking calls: retries, and the end by a signal."""

from __future__ import annotations

import errno
import io
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.blocking.accept import RETRY_SECONDS, next_client, until_stopped
from server.service import Service
from server.system.signals import Stopped
from tests.support.services import service
from tests.support.sockets import connect


@contextmanager
def signals_of(made: Service) -> Iterator[None]:
    """Route SIGTERM and SIGINT to the service; restore their handlers at the end."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    made.stops.install()
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_interrupts_a_blocking_accept() -> None:
    turns = []

    def turn() -> None:
        turns.append(1)
        if len(turns) == 2:
            threading.Timer(0, signal.pthread_kill, (threading.get_ident(), signal.SIGTERM)).start()
            made.listener.accept()  # Blocks until the signal comes.

    with service() as made, signals_of(made):
        until_stopped(made, turn)
        assert len(turns) == 2
        assert made.draining
        assert not made.stops.interrupting


def test_a_signal_that_came_earlier_stops_it() -> None:
    with service() as made, signals_of(made):
        os.kill(os.getpid(), signal.SIGTERM)
        until_stopped(made, lambda: pytest.fail("no further turn is started"))


class Failing:
    """A listener whose first accepts fail with these errors."""

    def __init__(self, listener: socket.socket, *failures: int) -> None:
        listener.setblocking(True)
        self.failures = [*failures]
        self._listener = listener

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            raise OSError(number := self.failures.pop(0), os.strerror(number))
        return self._listener.accept()


def test_a_failed_accept_is_counted_and_retried() -> None:
    rests: list[float] = []
    with service() as made, connect(made.listener.getsockname()[1]) as client:
        failing = Failing(made.listener, errno.ECONNABORTED, errno.EMFILE, errno.EAGAIN)
        made.listener = failing  # type: ignore[assignment]
        sock, peer = next_client(made, rests.append)
        sock.close()
        assert peer == client.getsockname()
        assert rests == [0, 0, RETRY_SECONDS, 0]
        assert (made.counters.accepted, made.counters.accept_errors, made.counters.turns) == (1, 2, 4)
        failing.failures = [errno.EINVAL]  # The listener was shut down.
        with pytest.raises(Stopped):
            next_client(made)
        failing.failures = [errno.EBADF]
        with pytest.raises(OSError, match="Bad file descriptor"):
            next_client(made)


def test_running_out_of_descriptors_is_logged_once_and_so_is_the_recovery() -> None:
    stream = io.StringIO()
    with service(stream=stream) as made, connect(made.listener.getsockname()[1]):
        failing = Failing(made.listener, errno.EMFILE, errno.ECONNABORTED, errno.EMFILE)
        made.listener = failing  # type: ignore[assignment]
        next_client(made, lambda rest: None)[0].close()
    assert stream.getvalue().splitlines()[-2:] == [
        "[Errno 24] Too many open files: new connections wait until descriptors are available",
        "descriptors are available again",
    ]
    assert stream.getvalue().count("Too many") == 1
