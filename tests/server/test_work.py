"""What a handler may do that it should not: each does what it is for, and nothing where it is off."""

from __future__ import annotations

import io
import time

import pytest

from server.work import burn, hindered
from tests.support.server_process import running_server
from tests.support.sockets import ask, connect, connections, eventually, read_line


def test_it_burns_cpu_time() -> None:
    before = time.thread_time()
    burn(0.02)
    assert time.thread_time() - before >= 0.02


def test_nothing_takes_nothing() -> None:
    before = time.thread_time()
    burn(0)
    assert time.thread_time() - before < 0.02


def reply(message: bytes) -> bytes:
    return message + b"!"


def test_without_a_hindrance_a_reply_is_itself() -> None:
    assert hindered(reply, 0, None) is reply


def test_it_waits_first_without_computing() -> None:
    slow = hindered(reply, 0.02, None)
    wall, cpu = time.monotonic(), time.thread_time()
    assert slow(b"hello") == b"hello!"
    assert time.monotonic() - wall >= 0.02
    assert time.thread_time() - cpu < 0.02


def test_it_writes_a_line_first() -> None:
    stream = io.StringIO()
    telling = hindered(reply, 0, stream)
    assert telling(b"hello") == b"hello!"
    assert telling(b"x" * 5000) == b"x" * 5000 + b"!"
    first, second = stream.getvalue().splitlines()
    assert first == "getting data: b'hello'"
    assert len(second) < 1100


def test_it_serves_on_when_nobody_reads_the_log_any_more() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    assert hindered(reply, 0, Gone())(b"hello") == b"hello!"


@pytest.mark.parametrize("app", ["echo", "hello"])
def test_in_a_loop_a_call_that_blocks_holds_up_everyone(app: str) -> None:
    with running_server("--app", app, "--block-ms", "100") as server, connections(server.port, 5) as clients:
        began = time.monotonic()
        for client in clients:
            client.sendall(b"hello\n")
        for client in clients:
            read_line(client)
        assert time.monotonic() - began >= 0.5
        eventually(
            lambda: ask(clients[0], b"hello\n") and server.metrics()["loop_lag_seconds"] >= 0.1,
            "the lag shows",
        )


def test_a_line_for_each_message_if_wanted() -> None:
    with running_server("--app", "echo", "--log-sync", "yes") as server, connect(server.port) as client:
        client.sendall(b"one\ntwo\n")
        assert ask(client, b"three\n") == b"one\n"
        for message in ("one", "two", "three"):
            server.wait_for_line(f"^getting data: b'{message}'$")
