"""How sessions of real users on a local runner end: by Stop, by their own wish, by fewer users."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import gevent
import pytest
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer
from locust.exception import StopUser

from rawsocket import Connect, Heartbeat, LabSession, Line, Send, Session, SessionUser, Wait
from rawsocket.measurement.recorder import RECORDER
from tests.support import echo
from tests.support.local_run import LONG, wait_until
from tests.support.sessions import Silent, Talker, start

pytestmark = pytest.mark.usefixtures("fresh_recorder")


@pytest.mark.parametrize("stop_timeout", [0, LONG * 10])
def test_stop_is_instant_while_users_wait(server: str, stop_timeout: float):
    run = start(Silent, server, stop_timeout=stop_timeout)
    wait_until(lambda: RECORDER.held == 3)
    run.stop()
    assert (RECORDER.closed, RECORDER.unanswered) == (3, 0)


def test_stop_timeout_lets_users_get_their_last_reply():
    class Patient(LabSession):
        def session(self) -> Session:
            yield Connect()
            while True:
                yield self.message()

    with echo.running("pieces") as (host, port):
        run = start(Patient, f"tcp://{host}:{port}", stop_timeout=LONG * 10)
        wait_until(lambda: RECORDER.answered > 30)
        run.stop()
    assert RECORDER.unanswered == 0


def test_stop_without_a_timeout_leaves_messages_unanswered():
    class Asks(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()

    with echo.running("silent") as (host, port):
        run = start(Asks, f"tcp://{host}:{port}")
        wait_until(lambda: RECORDER.sent == 3)
        run.stop()
    assert RECORDER.unanswered_by == {"client": 3}
    assert (RECORDER.failures, RECORDER.closed) == (0, 3)


@contextmanager
def gated_echo() -> Iterator[tuple[str, Event]]:
    """A server that reads nothing until the event, and then sends the start of each read back."""
    gate = Event()

    def serve(peer: socket.socket, _address: object) -> None:
        gate.wait()
        with suppress(OSError):
            while data := peer.recv(1 << 20):
                peer.sendall(data[:100])

    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    yield f"tcp://127.0.0.1:{server.server_port}", gate
    server.stop()


def test_stop_timeout_lets_heartbeats_get_their_reply():
    class Beats(SessionUser):
        framing = Line()

        def session(self) -> Session:
            yield Connect()
            yield Heartbeat(0.1, b"ping", expect=b"ping")
            yield Wait(LONG)

    with gated_echo() as (url, gate):
        run = start(Beats, url, stop_timeout=LONG * 0.6)
        wait_until(lambda: RECORDER.sent >= 6)
        gevent.spawn_later(0.2, gate.set)
        run.stop()
    assert (RECORDER.unanswered, RECORDER.failures) == (0, 0)


def test_stop_timeout_lets_one_way_messages_leave_and_sends_no_more():
    class Logs(SessionUser):
        framing = Line()
        accepts_pushes = True

        def session(self) -> Session:
            yield Connect()
            while True:
                yield Send(bytes(20_000_000), reply=False)

    with gated_echo() as (url, gate):
        run = start(Logs, url, stop_timeout=LONG * 0.6)
        wait_until(lambda: RECORDER.sent == 3)
        gevent.spawn_later(0.2, gate.set)
        run.stop()
    assert (RECORDER.sent, RECORDER.oneway, RECORDER.failures) == (3, 3, 0)


def test_expired_stop_timeout_ends_all_users():
    class Asks(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()

    with echo.running("silent") as (host, port):
        run = start(Asks, f"tcp://{host}:{port}", stop_timeout=0.2)
        wait_until(lambda: RECORDER.sent == 3)
        run.stop()
    assert RECORDER.unanswered_by == {"client": 3}


def test_stop_ends_users_that_have_not_started(server: str):
    run = start(Talker, server, spread=LONG)
    wait_until(lambda: run.runner.user_count == 3)
    run.stop()
    assert RECORDER.attempted == 0


def test_stop_user_ends_the_user(server: str):
    class Leaves(LabSession):
        def session(self) -> Session:
            yield Connect()
            yield self.message()
            raise StopUser

    run = start(Leaves, server)
    wait_until(lambda: RECORDER.answered == 3 and run.runner.user_count == 0)
    run.stop()
    assert run.errors == []
    assert RECORDER.closed == 3


def test_session_can_delegate_and_its_finally_blocks_run(server: str):
    said: list[str] = []

    class Nested(LabSession):
        def exchange(self) -> Session:
            reply = yield self.message()
            return len(reply)

        def session(self) -> Session:
            yield Connect()
            try:
                assert (yield from self.exchange()) == 20
                yield Wait(LONG * 10)
            finally:
                said.append("bye")

    run = start(Nested, server)
    wait_until(lambda: RECORDER.answered == 3)
    run.stop()
    assert said == ["bye"] * 3
    assert run.errors == []


def test_session_can_stop_its_own_user(server: str):
    class Quits(LabSession):
        def session(self) -> Session:
            yield Connect()
            self.stop(force=True)
            yield Wait(LONG)

    run = start(Quits, server)
    wait_until(lambda: RECORDER.closed == 3)
    assert run.runner.user_count == 0
    run.stop()
    assert run.errors == []


def test_user_count_can_fall_and_rise(server: str):
    run = start(Talker, server, users=8)
    wait_until(lambda: RECORDER.held == 8)
    run.runner.start(3, spawn_rate=100)
    wait_until(lambda: RECORDER.held == 3 and run.runner.user_count == 3)
    run.runner.start(6, spawn_rate=100)
    wait_until(lambda: RECORDER.held == 6 and run.runner.user_count == 6)
    run.stop()
    assert RECORDER.failures == 0
    assert RECORDER.closed == 11


def test_users_add_no_greenlet_and_no_thread(server: str):
    def greenlets() -> int:
        gc.unfreeze()
        gc.collect()
        return sum(isinstance(one, gevent.Greenlet) for one in gc.get_objects())

    threads, before = threading.active_count(), greenlets()
    run = start(Talker, server, users=20)
    wait_until(lambda: RECORDER.held == 20)
    after = greenlets()
    run.stop()
    assert after - before < 10
    assert threading.active_count() == threads
