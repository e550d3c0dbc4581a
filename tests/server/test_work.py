"""Work and delays of a handler: each does what it says, and nothing if it is off."""

from __future__ import annotations

import io
import time

import pytest

from server.work import burn_cpu, with_delays
from tests.support.server_process import running_server
from tests.support.sockets import ask, connect, connections, eventually, read_line


def test_burning_uses_cpu_time() -> None:
    before = time.thread_time()
    burn_cpu(0.02)
    assert time.thread_time() - before >= 0.02


def test_no_work_takes_no_time() -> None:
    before = time.thread_time()
    burn_cpu(0)
    assert time.thread_time() - before < 0.02


def reply(message: bytes) -> bytes:
    return message + b"!"


def test_without_delays_the_reply_function_is_unchanged() -> None:
    assert with_delays(reply, 0, None) is reply


def test_a_block_sleeps_before_the_reply_without_using_cpu_time() -> None:
    slow = with_delays(reply, 0.02, None)
    wall, cpu = time.monotonic(), time.thread_time()
    assert slow(b"hello") == b"hello!"
    assert time.monotonic() - wall >= 0.02
    assert time.thread_time() - cpu < 0.02


def test_log_sync_writes_a_line_before_the_reply() -> None:
    stream = io.StringIO()
    telling = with_delays(reply, 0, stream)
    assert telling(b"hello") == b"hello!"
    assert telling(b"x" * 5000) == b"x" * 5000 + b"!"
    first, second = stream.getvalue().splitlines()
    assert first == "getting data: b'hello'"
    assert len(second) < 1100


def test_replies_go_on_when_the_log_has_no_reader() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    assert with_delays(reply, 0, Gone())(b"hello") == b"hello!"


@pytest.mark.parametrize("app", ["echo", "hello"])
def test_in_a_loop_a_blocking_call_delays_all_connections(app: str) -> None:
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


def test_log_sync_writes_a_line_for_each_message() -> None:
    with running_server("--app", "echo", "--log-sync", "yes") as server, connect(server.port) as client:
        client.sendall(b"one\ntwo\n")
        assert ask(client, b"three\n") == b"one\n"
        for message in ("one", "two", "three"):
            server.wait_for_line(f"^getting data: b'{message}'$")
