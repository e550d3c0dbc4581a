"""The contract suite: what each model promises, tested on a real process of each model that promises it."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest

from server.models import MODELS
from server.models.base import Promise, load
from tests.support.contract import (
    GREETING,
    IN,
    OUT,
    assert_quiet,
    flags,
    promises,
    when_empty,
)
from tests.support.server_process import ServerProcess, running_server
from tests.support.sockets import (
    ask,
    connect,
    connections,
    read_exactly,
    read_to_end,
)


@pytest.mark.parametrize("name", MODELS)
def test_each_promise_is_made_or_excepted_with_a_reason(name: str) -> None:
    model = load(name)
    assert model.promises | model.exceptions.keys() == set(Promise)
    assert not model.promises & model.exceptions.keys()
    assert all(model.exceptions.values())


def test_each_promise_has_a_test() -> None:
    files = sorted(Path(__file__).parent.glob("test_contract*.py"))
    marks = [mark for file in files for mark in re.findall(r"^@promises\((.*)\)$", file.read_text(), re.M)]
    assert {name for mark in marks for name in re.findall(r"Promise\.(\w+)", mark)} == {
        promise.name for promise in Promise
    }


@promises(Promise.ANSWERS)
def test_a_message_gets_the_greeting(server: ServerProcess) -> None:
    with connect(server.port) as client:
        assert ask(client, b"hello\n") == GREETING


@promises(Promise.ANSWERS)
def test_a_message_is_echoed(echo: ServerProcess) -> None:
    with connect(echo.port) as client:
        assert ask(client, b"one of a kind\r\n") == b"one of a kind\r\n"


@promises(Promise.ONCE)
def test_a_message_gets_one_reply_and_nothing_more(echo: ServerProcess) -> None:
    before = when_empty(echo)
    with connect(echo.port) as client:
        assert ask(client, b"12345\n") == b"12345\n"
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == b""
    after = when_empty(echo)
    assert after["replies_total"] - before["replies_total"] == 1
    assert after[OUT] - before[OUT] == 6


@promises(Promise.MANY, Promise.ONCE)
def test_the_tutorials_client_works_against_chunk_framing(model: str) -> None:
    """20 sockets opened first, then used in turn: a send without newline, a recv(1024) for the reply."""
    with (
        running_server(*flags(model), "--framing", "chunk", "--app", "hello") as server,
        connections(server.port, 20) as sockets,
    ):
        for number, client in enumerate(sockets):
            client.sendall(f"hello from client number {number}".encode())
            assert client.recv(1024) == b"Hello from server!"


@promises(Promise.STOPS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_although_a_client_is_silent(model: str, number: int) -> None:
    with running_server(*flags(model)) as server, connect(server.port) as client:
        server.wait_for_metrics(lambda metrics: metrics["connections"] == 1)
        server.signal(number)
        assert server.exit_code() == 0
        assert read_to_end(client) == b""
        assert not any("Traceback" in line for line in server.lines)


@promises(Promise.REPORTS)
def test_the_metrics_add_up(model: str) -> None:
    with running_server(*flags(model), "--app", "echo") as server:
        assert server.get("/healthz") == (200, "ok\n")
        for _ in range(3):
            with connect(server.port) as client:
                ask(client, b"12345\n")
        metrics = server.wait_for_metrics(lambda metrics: metrics["connections"] == 0)
        assert metrics["accepted_total"] == metrics["messages_total"] == 3
        assert metrics["replies_total"] >= 3
        assert metrics[OUT] >= metrics[IN] == 18
        closed = sum(value for name, value in metrics.items() if name.startswith("closed_total"))
        assert closed == 3
        assert metrics["refused_total"] == metrics["accept_errors_total"] == 0
        assert metrics["loop_turns_total"] > 0
        # It is counted in hundredths of a second; each answer of /metrics takes some CPU.
        server.wait_for_metrics(lambda metrics: metrics["process_cpu_seconds_total"] > 0)


@promises(Promise.HOLDS)
def test_a_connection_carries_any_number_of_messages(echo: ServerProcess) -> None:
    with connect(echo.port) as client:
        for number in range(100):
            assert ask(client, b"message %d\n" % number) == b"message %d\n" % number


@promises(Promise.MANY)
def test_the_last_connection_is_answered_while_the_others_are_silent(server: ServerProcess) -> None:
    with connections(server.port, 50) as sockets:
        assert ask(sockets[-1], b"hello\n") == GREETING


@promises(Promise.QUIET)
def test_silent_connections_cost_nothing(model: str, server: ServerProcess) -> None:
    with connect(server.port) as client:
        assert_quiet(model, server, client)


@promises(Promise.FRAMES)
def test_messages_are_found_byte_by_byte_and_many_at_once(echo: ServerProcess) -> None:
    with connect(echo.port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"slow":
            client.sendall(bytes([byte]))
        client.sendall(b"\none\n\ntwo\nthr")
        assert read_exactly(client, 14) == b"slow\none\n\ntwo\n"
        assert ask(client, b"ee\n") == b"three\n"


@promises(Promise.HALF_CLOSE)
def test_replies_reach_a_client_that_has_ended_its_input(echo: ServerProcess) -> None:
    before = when_empty(echo)
    with connect(echo.port) as client:
        payload = b"".join(b"%06d\n" % number for number in range(100_000))
        client.settimeout(0)
        unsent, received = memoryview(payload), bytearray()
        while unsent:  # Both ways at once, or each side would wait for the other to read.
            unsent = unsent[_send(client, unsent) :]
            received += _receive(client)
        client.settimeout(30)
        client.sendall(b"unfinished")
        client.shutdown(socket.SHUT_WR)
        assert bytes(received) + read_to_end(client) == payload
    after = when_empty(echo)
    for name, count in (("unfinished_total", 1), ("messages_total", 100_000), ('closed_total{reason="client"}', 1)):
        assert after[name] - before[name] == count, name


def _send(client: socket.socket, data: memoryview) -> int:
    try:
        return client.send(data)
    except BlockingIOError:
        return 0


def _receive(client: socket.socket) -> bytes:
    try:
        return client.recv(65536)
    except BlockingIOError:
        return b""
