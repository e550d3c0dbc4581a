"""RawSocketClient: connects that fail, that are interrupted, and that replace a lost connection."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import socket

import gevent
import pytest

from rawsocket.errors import Closed, RawSocketError
from rawsocket.wire.framing import Line
from tests.support.local_run import LONG, wait_until
from tests.support.recording_client import RecordingClient, ask, recording_client
from tests.support.sockets import full_backlog

pytestmark = pytest.mark.usefixtures("long_timeouts")


def test_connect_without_a_listener_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    made = RecordingClient("127.0.0.1", port, Line(), {})
    with pytest.raises(RawSocketError, match="refused"):
        made.client.connect()
    with pytest.raises(RawSocketError, match="refused"):
        made.client.connect(reconnect=True)
    assert made.outcomes == [("connect", "refused"), ("reconnect", "refused")]
    assert made.recorder.failed == {"refused": 2}
    made.check()


def test_unanswered_connect_fails_as_connect_timeout():
    with full_backlog() as port:
        made = RecordingClient("127.0.0.1", port, Line(), {"connect_timeout": 0.2})
        with pytest.raises(RawSocketError, match="connect-timeout"):
            made.client.connect()
        assert made.outcomes == [("connect", "connect-timeout")]
        made.check()


def test_attempt_killed_while_connecting_is_not_counted():
    with full_backlog() as port:
        made = RecordingClient("127.0.0.1", port, Line(), {})
        connecting = gevent.spawn(made.client.connect)
        gevent.sleep(0.05)
        connecting.kill()
        assert (made.recorder.attempted, made.events) == (0, [])
        made.check()


def test_message_of_a_killed_request_is_unanswered():
    with recording_client("silent") as made:
        asking = gevent.spawn(ask, made)
        wait_until(lambda: made.recorder.sent == 1)
        asking.kill()
        made.check()
        made.client.close()
        assert (made.recorder.unanswered, made.recorder.closed, made.recorder.failures) == (1, 1, 0)
        assert made.outcomes == [("connect", "ok")]


def test_client_can_reconnect_after_a_loss():
    with recording_client("one_answer") as made:
        first = ask(made)
        with pytest.raises(RawSocketError):
            made.client.watch(LONG)
        with pytest.raises(Closed) as caught:
            ask(made)
        assert caught.value.detail == "not connected"
        made.client.connect(reconnect=True)
        assert ask(made) != first
        assert made.recorder.reconnects == 1
        assert [row for row, *_ in made.events] == ["connect", "message", "drop", "reconnect", "message"]
