"""What is sent besides requests. Each test runs with both kinds of users."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from collections.abc import Generator
from typing import Any

import gevent
import pytest

from rawsocket.errors import SendTimeout
from rawsocket.users.steps import (
    Close,
    Connect,
    Receive,
    Request,
    Send,
    SendPart,
    SendRaw,
    ShutdownWrite,
    Wait,
)
from tests.support.facades import BOTH, Facade, lines, silent

pytestmark = [BOTH, pytest.mark.usefixtures("long_timeouts")]

Script = Generator[Any, Any, Any]


def test_one_way_messages_count_in_their_row_and_owe_no_reply(facade: Facade):
    def script() -> Script:
        yield Connect()
        for number in range(3):
            yield Send(b"%d" % number, "log", reply=False)
        yield Wait(0.05)

    outcome = facade(silent, script, reply_timeout=0.02)
    assert outcome.raised is None
    assert outcome.count("log") == outcome.recorder.oneway == outcome.recorder.sent == 3
    assert outcome.recorder.rows["log"].bytes == 3
    assert "log" not in outcome.seconds


def test_one_way_messages_beyond_ten_thousand_go_on(facade: Facade):
    def script() -> Script:
        yield Connect()
        for _ in range(10_500):
            yield Send(b"x", "log", reply=False)

    assert facade(silent, script).recorder.oneway == 10_500


def test_one_way_message_to_a_server_that_does_not_read_is_a_send_timeout(facade: Facade):
    def script() -> Script:
        yield Connect()
        while True:
            yield Send(b"x" * 60_000, "log", reply=False)

    outcome = facade(lambda sock: gevent.sleep(30), script, send_timeout=0.1)
    assert isinstance(outcome.raised, SendTimeout)
    assert outcome.events[-1] == ("log", "send-timeout")
    assert outcome.recorder.unanswered == outcome.recorder.cut == 1


def test_requests_and_one_way_messages_share_a_connection(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield Send(b"one", "log", reply=False)
        return (yield Request(b"two"))

    def server(sock: Any) -> None:
        reader = lines(sock)
        assert next(reader) == b"one"
        sock.sendall(next(reader) + b"\n")

    assert facade(server, script).result == b"two"


def test_shutdown_of_writing_lets_the_reply_come(facade: Facade):
    def server(sock: Any) -> None:
        got = b"".join(lines(sock))
        sock.sendall(b"%d\n" % len(got))
        sock.close()

    def script() -> Script:
        yield Connect()
        yield Send(b"hello", expect=b"5")
        yield ShutdownWrite()
        reply = yield Receive(expect=b"5")
        yield Wait(0.1)
        return reply

    outcome = facade(server, script)
    assert outcome.result == b"5"
    assert (outcome.recorder.failures, outcome.recorder.closed) == (0, 1)


def test_nothing_can_be_sent_after_the_shutdown(facade: Facade):
    def script() -> Script:
        yield Connect()
        yield ShutdownWrite()
        yield Send(b"a", reply=False)

    assert "ShutdownWrite" in str(facade(silent, script).raised)


def test_close_can_be_a_reset(facade: Facade):
    ends: list[str] = []

    def server(sock: Any) -> None:
        try:
            ends.append("end" if sock.recv(10) == b"" else "data")
        except ConnectionResetError:
            ends.append("reset")

    def script() -> Script:
        yield Connect()
        yield Close(reset=True)
        for _ in range(500):
            if ends:
                return
            yield Connect() if False else Wait(0.01)

    outcome = facade(server, script)
    assert (ends, outcome.recorder.failures) == (["reset"], 0)


def test_raw_bytes_and_parts_of_messages_are_no_messages(facade: Facade):
    seen: list[bytes] = []

    def server(sock: Any) -> None:
        seen.extend(lines(sock))

    def script() -> Script:
        yield Connect()
        yield SendRaw(b"PROXY TCP4\r\n")
        yield SendPart(b"hello", 3)
        yield ShutdownWrite()
        yield Wait(0.1)

    outcome = facade(server, script)
    assert seen == [b"PROXY TCP4\r", b"hel"]
    assert (outcome.recorder.sent, outcome.recorder.bytes_sent) == (0, 15)
