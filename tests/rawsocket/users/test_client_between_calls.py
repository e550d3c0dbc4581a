"""RawSocketClient between its calls: what waits for the server when the run stops, losses and pushes."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import time
from typing import Any

import gevent
import pytest
from gevent.monkey import get_original

from rawsocket.engine.connect.client_socket import readable
from rawsocket.errors import Closed, RawSocketError
from rawsocket.wire.framing import Line
from tests.support.facades import serving, silent
from tests.support.local_run import LONG, wait_until
from tests.support.recording_client import RecordingClient, ask, recording_client

pytestmark = pytest.mark.usefixtures("long_timeouts")


# Messages that wait for the server when the run stops.


def test_unanswered_request_waits_since_it_was_due():
    with recording_client("silent") as made:
        asking = gevent.spawn(made.client.request, b"x", name="message", due=time.perf_counter() - 2)
        gevent.sleep(0.05)
        found = made.client.waiting(time.perf_counter() + 1)
        assert found is not None
        assert (found.name, len(found.ages)) == ("message", 1)
        assert 1 < found.owed < LONG
        assert found.ages[0][0] == pytest.approx(found.owed + 2, abs=0.01)
        asking.kill()
        assert made.client.waiting(time.perf_counter() + 1) is None  # the request that waited for it has ended


def test_sent_message_waits_only_during_a_receive():
    with recording_client("silent") as made:
        for _ in range(3):
            made.client.send(b"x", name="message")
        later = time.perf_counter() + 5
        assert made.client.waiting(later) is None
        receiving = gevent.spawn(made.client.receive)
        gevent.sleep(0)
        found = made.client.waiting(later)
        assert found is not None
        assert len(found.ages) == 3
        receiving.kill()


def test_message_blocked_in_send_waits():
    with recording_client("unread") as made:
        sending = gevent.spawn(made.client.send, b"x" * 50_000_000, name="message")
        gevent.sleep(0.05)
        found = made.client.waiting(time.perf_counter() + 1)
        assert found is not None
        assert len(found.ages) == 1
        sending.kill()


def test_messages_answered_or_in_transit_do_not_wait():
    with recording_client("echo") as made:
        ask(made)
        assert made.client.waiting(time.perf_counter() + 5) is None
    with recording_client("silent") as made:
        asking = gevent.spawn(made.client.request, b"x")
        gevent.sleep(0)
        assert made.client.waiting(made.client.connection._flight[2] + 0.001) is None
        asking.kill()


def test_message_with_an_unread_reply_does_not_wait():
    with recording_client("echo") as made:
        connection = made.client.connection
        asking = gevent.spawn(made.client.request, b"x", name="message")
        gevent.sleep(0)
        while not readable(connection._sock):
            get_original("time", "sleep")(0.005)  # gevent's own would give the reactor its turn
        assert made.client.waiting(time.perf_counter() + 5) is None
        assert asking.get() == b"x"


# Losses and pushes between two calls.


def test_loss_between_calls_is_recorded_at_once_and_raised_by_the_next_call():
    with recording_client("close_at_once") as made:
        wait_until(lambda: made.outcomes == [("connect", "ok"), ("drop", "closed")])
        assert not made.client.connected
        with pytest.raises(Closed) as caught:
            ask(made)
        assert caught.value.detail == "by the server"
        with pytest.raises(Closed) as caught:
            ask(made)
        assert caught.value.detail == "not connected"


def test_receive_returns_a_push_that_arrived_before_the_close():
    with recording_client("push_then_close") as made:
        connection = made.client.connection
        wait_until(lambda: connection.exchange and connection.exchange.receiver.failure())
        assert made.client.connected
        assert made.recorder.held == 0  # the loss is recorded when it happens, whether or not anybody reads on
        assert made.client.receive(name="news") == b"nobody asked"
        with pytest.raises(Closed):
            made.client.receive(name="news")
        assert made.outcomes == [("connect", "ok"), ("drop", "closed"), ("push", "ok"), ("news", "ok")]
        assert made.recorder.dropped == {"closed": 1}


def test_receive_returns_a_reply_that_arrived_before_the_close():
    with recording_client("one_answer") as made:
        made.client.send(b"a", name="a")
        connection = made.client.connection
        wait_until(lambda: connection.exchange.receiver.failure())
        assert made.client.receive(expect=b"a") == b"a"
        with pytest.raises(Closed):
            made.client.watch(LONG)
        assert made.outcomes == [("connect", "ok"), ("a", "ok"), ("drop", "closed")]


def test_send_after_a_push_fails_as_wrong():
    with recording_client("push") as made:
        wait_until(lambda: made.client.connection.exchange)
        with pytest.raises(RawSocketError, match="wrong"):
            made.client.send(b"a")
        assert made.outcomes == [("connect", "ok"), ("drop", "wrong")]
        assert made.recorder.sent == 0


def test_interrupted_receive_leaves_the_reply_to_the_next_one():
    release = gevent.event.Event()

    def server(sock: Any) -> None:
        line = sock.recv(100)
        release.wait(LONG)
        sock.sendall(line)
        silent(sock)

    with serving(server) as port:
        made = RecordingClient("127.0.0.1", port, Line(), {})
        made.client.connect()
        made.client.send(b"a", name="a")
        with gevent.Timeout(0.01, False):
            made.client.receive(expect=b"a")
        release.set()
        wait_until(lambda: made.outcomes == [("connect", "ok"), ("a", "ok")])
        assert made.client.receive() == b"a"
        made.client.close()


def test_interrupted_receive_leaves_a_push_to_the_next_one():
    with recording_client("silent") as made:
        with gevent.Timeout(0.01, False):
            made.client.receive(name="news")
        assert made.client.connection.deadline == float("inf")
        assert made.client.connected
