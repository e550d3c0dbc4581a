"""One connection on asyncio's loop and a socket pair; see models/test_contract.py for what a client sees."""

from __future__ import annotations

import asyncio
import errno
import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic

import pytest

from server.aio.connection import AsyncioConnection
from server.policy import HIGH_MARK, NEVER
from server.service import Service
from tests.support.services import service

MESSAGE = b"x" * 999 + b"\n"


class Bench:
    """A hub with one connection; the test sets its clock and checks its deadlines."""

    def __init__(self, made: Service, loop: asyncio.SelectorEventLoop, patch: pytest.MonkeyPatch) -> None:
        self.service = made
        self.counters = made.counters
        self.buffer = memoryview(bytearray(made.wire.receive_size))
        self.now = self.clock = 1000.0  # The clock runs on during a turn.
        self.stopped_at = NEVER
        self.drained = False
        self.ended: list[str] = []
        self._loop = loop
        patch.setattr("server.aio.connection.monotonic", lambda: self.clock)
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.client.setblocking(False)
        self.connection = AsyncioConnection(self, "a client")
        loop.run_until_complete(loop.connect_accepted_socket(lambda: self.connection, ours))

    def add(self, connection: AsyncioConnection) -> None:
        pass

    def remove(self, connection: AsyncioConnection, reason: str) -> None:
        self.ended.append(reason)

    def check_deadlines(self, later: float = 0) -> None:
        """Check its deadlines, in a turn that starts so many seconds from now."""
        self.now = self.clock = self.clock + later
        self.connection.check_deadlines()

    def until(self, holds: Callable[[], object]) -> None:
        async def wait() -> None:
            end = monotonic() + 30
            while not holds():
                assert monotonic() < end, "it never happened"
                await asyncio.sleep(0)

        self._loop.run_until_complete(wait())

    def fill(self) -> int:
        """Send messages without reading until the connection stops reading; return the bytes sent."""
        sent = 0

        def full() -> bool:
            nonlocal sent
            try:
                sent += self.client.send(MESSAGE)
            except BlockingIOError:
                return self.connection._paused
            return False

        self.until(full)
        return sent

    def read(self) -> int:
        """Read what has arrived; return its length."""
        size = 0
        try:
            while chunk := self.client.recv(65536):
                size += len(chunk)
        except BlockingIOError:
            pass
        return size


@contextmanager
def bench(*flags: str, stream: io.StringIO | None = None) -> Iterator[Bench]:
    loop = asyncio.SelectorEventLoop()
    with service("--app", "echo", *flags, stream=stream) as made, pytest.MonkeyPatch.context() as patch:
        made_bench = Bench(made, loop, patch)
        yield made_bench
        made_bench.client.close()
        if not made_bench.ended:
            made_bench.until(lambda: made_bench.ended)
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_reading_pauses_over_the_high_mark_and_unsent_bytes_are_not_counted() -> None:
    with bench() as made:
        made.fill()
        received_bytes = made.counters.bytes_in
        waiting = made.connection._transport.get_write_buffer_size()
        assert HIGH_MARK < waiting < HIGH_MARK + made.service.wire.receive_size
        assert made.counters.bytes_out == received_bytes - received_bytes % 1000 - waiting
        received = 0

        def all_there() -> bool:
            nonlocal received
            received += made.read()
            return received == made.counters.bytes_out == made.counters.replies * 1000 > received_bytes

        made.until(all_there)


def test_a_message_is_not_late_while_reading_is_paused() -> None:
    with bench("--message-timeout", "30") as made:
        made.fill()
        made.check_deadlines(100)
        assert not made.ended
        assert made.connection._reason is None
        made.until(lambda: made.read() and not made.connection._paused)
        made.check_deadlines()
        assert made.connection._reason is None


def test_a_client_that_reads_its_replies_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    with bench("--idle-timeout", "10") as made:
        made.fill()
        for left in (50_000, 40_000, 30_000):
            monkeypatch.setattr(made.connection._transport, "get_write_buffer_size", lambda left=left: left)
            made.check_deadlines(9)
            assert not made.connection._reason
        made.check_deadlines(11)
        made.until(lambda: made.ended)
        assert made.ended == ["idle"]


def test_the_time_that_an_answer_takes_is_not_idle_time() -> None:
    with bench("--idle-timeout", "10") as made:
        answer = made.service.wire.answer

        def slow(data: bytes) -> tuple[int, bytes] | None:
            made.clock += 60
            return answer(data)

        made.service.wire = replace(made.service.wire, answer=slow)
        made.client.send(MESSAGE)
        made.until(made.read)
        for later in (0, 5, 4.9):
            made.check_deadlines(later)
            assert not made.connection._reason
        made.check_deadlines(0.2)
        assert made.connection._reason == "idle"


def test_unsent_bytes_are_not_counted_after_a_reset() -> None:
    with bench() as made:
        made.client.send(MESSAGE)
        made.client.close()
        made.until(lambda: made.ended)
        assert made.ended == ["reset"]
        assert (made.counters.replies, made.counters.bytes_out) == (1, 0)


def test_bytes_that_the_transport_dropped_are_not_counted() -> None:
    with bench() as made:
        made.fill()
        sent = made.counters.bytes_out
        made.connection._transport._force_close(BrokenPipeError(errno.EPIPE, "gone"))
        made.check_deadlines()
        made.until(lambda: made.ended)
        assert made.ended == ["reset"]
        assert made.counters.bytes_out == sent


def test_draining_closes_a_silent_connection_and_lingers_with_one_that_sent() -> None:
    for since, at_once in ((0.1, True), (-0.1, False)):
        with bench() as made:
            made.client.send(MESSAGE)
            made.until(made.read)
            made.stopped_at = made.clock + since
            assert made.connection.drain() is at_once
            made.client.shutdown(socket.SHUT_WR)
            made.until(lambda: made.ended)
            assert made.ended == ["drain"]


def test_messages_are_answered_until_all_drain_and_then_only_the_unfinished_one() -> None:
    with bench() as made:
        made.service.draining, made.stopped_at = True, made.now
        for sent, answered in ((MESSAGE, 1), (MESSAGE + b"beg", 2)):
            made.client.send(sent)
            made.until(lambda count=answered: made.counters.messages == count)
        made.drained = True
        assert not made.connection.drain()
        assert made.connection._reason is None
        made.client.send(b"un\nbeg")
        made.until(lambda: made.connection._reason)
        assert made.connection._reason == "drain"
        assert made.read() == 2 * len(MESSAGE) + len(b"begun\n")


def test_lingering_ends_although_the_client_does_not_read_the_line() -> None:
    with bench() as made:
        sent = made.fill()
        made.connection._close_gracefully("too-long", b"ERR message too long\n")
        made.until(lambda: made.counters.bytes_in == sent)  # All of it is discarded.
        made.check_deadlines(1.9)
        made.until(lambda: True)
        assert not made.ended
        made.check_deadlines(0.2)
        made.until(lambda: made.ended)
        assert made.ended == ["too-long"]


def test_each_error_has_its_reason_and_an_unexpected_one_is_logged() -> None:
    stream = io.StringIO()
    with bench(stream=stream) as made:
        made.connection.connection_lost(OSError(errno.EIO, "the disk of the network"))
        made.connection.connection_lost(ConnectionResetError(errno.ECONNRESET, "gone"))
        assert made.ended == ["failed", "reset"]
    assert "connection from a client failed: [Errno 5] the disk of the network" in stream.getvalue()
