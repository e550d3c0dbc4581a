"""RawSocketClient between its calls: what waits for the server when the run stops, losses and pushes."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import socket
import time
from typing import Any

import gevent
import pytest
from gevent.monkey import get_original

from rawsocket.engine.connect.client_socket import readable
from rawsocket.errors import Closed, RawSocketError, ServerFull
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


REFUSAL = b"ERR server full\n"


def _refuse_and_close(sock: Any) -> None:
    sock.sendall(REFUSAL)
    sock.close()


def _refuse_and_linger(sock: Any) -> None:
    sock.sendall(REFUSAL)
    sock.shutdown(socket.SHUT_WR)
    silent(sock)


@pytest.mark.parametrize("refuse", [_refuse_and_close, _refuse_and_linger])
@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.send(b"a", name="a"),
        lambda client: client.request(b"a", name="a"),
        lambda client: client.receive(name="a"),
        lambda client: client.watch(LONG),
    ],
    ids=["send", "request", "receive", "watch"],
)
def test_connection_is_refused_though_nobody_reads_before_its_end(refuse: Any, call: Any):
    """What a worker finds that has lagged: the line and the end of the stream, and its user has not read yet."""
    with serving(refuse) as port:
        made = RecordingClient("127.0.0.1", port, Line(), {})
        made.client.connect()
        wait_until(lambda: made.recorder.failed)
        with pytest.raises(ServerFull):
            call(made.client)
        assert made.outcomes == [("connect", "server-full")]
        assert made.recorder.failed == {"server-full": 1}
        assert (made.recorder.dropped, made.recorder.held, made.recorder.sent) == ({}, 0, 0)
        assert made.recorder.bytes_received == len(REFUSAL)


def test_refusal_is_read_though_the_next_message_meets_a_reset():
    with recording_client("full_then_reset") as made:
        made.client.send(b"a", name="a")
        poll = get_original("select", "poll")()
        poll.register(made.client.connection._sock, 0)  # errors only
        assert poll.poll(LONG * 1000), "no reset came"  # meanwhile the reactor has no turn
        with pytest.raises(ServerFull):
            made.client.send(b"b", name="b")
        assert made.recorder.failed == {"server-full": 1}
        assert made.recorder.bytes_received == len(REFUSAL)
        assert made.recorder.unanswered_by == {"server-full": 2}


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
