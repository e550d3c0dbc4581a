"""The faults of the tutorial's select server, which the lab keeps in order to show them."""

from __future__ import annotations

import errno
import io
import socket
from contextlib import ExitStack
from typing import NoReturn

from server.models.tutorial import SEND_BUFFER, _Tutorial
from tests.support.server_process import running_server
from tests.support.services import service
from tests.support.sockets import ask, connect, eventually, raise_descriptor_limit, read_exactly

GREETING = b"Hello from server!\n"


def test_one_message_brings_a_flood_of_replies() -> None:
    with running_server("--model", "tutorial") as server, connect(server.port) as client:
        client.sendall(b"hello\n")
        assert read_exactly(client, 1000 * len(GREETING)) == 1000 * GREETING
        metrics = server.wait_for_metrics(lambda metrics: metrics["replies_total"] >= 1000)
        assert metrics["messages_total"] == 1


def test_a_client_that_does_not_read_gets_what_two_small_buffers_hold() -> None:
    with running_server("--model", "tutorial") as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"hello\n")
        # At the end of the flood both buffers are full, and select waits.
        out = 'bytes_total{direction="out"}'
        before = server.wait_for_metrics(lambda metrics: metrics[out] > 0)[out]
        while before != (before := server.metrics()[out]):
            pass
        assert before < 10 * SEND_BUFFER


class Half(socket.socket):
    """A socket whose send takes half."""

    def send(self, data: bytes, *_: int) -> int:  # type: ignore[override]
        return super().send(data[: len(data) // 2])


def test_bytes_that_a_send_did_not_take_are_lost() -> None:
    # No client sees it: when select reports a socket as writable, Linux takes more than one recv(1024) brings.
    ours, theirs = socket.socketpair()
    flags = ("--model", "tutorial", "--app", "echo", "--log-sync", "no")
    with service(*flags) as made, Half(fileno=ours.detach()) as sock, theirs:
        tutorial = _Tutorial(made)
        theirs.sendall(b"first, second")
        tutorial._read(sock)
        tutorial._write(sock)
        tutorial._write(sock)
        assert theirs.recv(100) == b"first, first, "
        assert made.counters.bytes_out == 14


def test_the_tutorial_crashes_at_descriptor_1024_with_one_line_and_exit_3() -> None:
    raise_descriptor_limit(1300)
    # A backlog of 10 would slow the clients down: when it is full, they retry after a second.
    with running_server("--model", "tutorial", "--backlog", "1024") as server, ExitStack() as stack:
        for _ in range(1100):
            try:
                stack.enter_context(connect(server.port))
            except OSError:
                break
        assert server.exit_code() == 3
        assert server.lines[1:] == [
            "holdfast server: the tutorial server crashed at descriptor 1024: filedescriptor out of range in select()"
        ]


def test_the_tutorial_prints_for_each_message_unless_log_sync_is_no() -> None:
    with running_server("--model", "tutorial", "--app", "echo") as server, connect(server.port) as client:
        ask(client, b"one\n")
        server.wait_for_line("^getting data: b'one'$")
    flags = ("--model", "tutorial", "--app", "echo", "--log-sync", "no")
    with running_server(*flags) as server, connect(server.port) as client:
        ask(client, b"one\n")
        assert server.stop() == 0
        assert not any("getting data" in line for line in server.lines)


def test_a_client_that_resets_is_counted_and_the_others_are_served() -> None:
    with running_server("--model", "tutorial") as server, connect(server.port) as other:
        client = connect(server.port)
        client.sendall(b"hello\n")
        server.wait_for_metrics(lambda metrics: metrics["replies_total"] > 100)
        client.close()  # With a flood unread: a reset.
        server.wait_for_metrics(lambda metrics: metrics['closed_total{reason="reset"}'] == 1)
        assert ask(other, b"hello\n") == GREETING
        eventually(lambda: server.metrics()["connections"] == 1, "only the other is held")


def test_an_unexpected_error_is_logged() -> None:
    def fails(sock: socket.socket) -> NoReturn:
        raise OSError(errno.EIO, "the disk of the network")

    stream = io.StringIO()
    with service("--model", "tutorial", stream=stream) as made, socket.socket() as sock:
        tutorial = _Tutorial(made)
        tutorial._inputs.append(sock)
        tutorial._attempt(fails, sock)
        assert made.counters.closed["failed"] == 1
    assert "failed: [Errno 5] the disk of the network\n" in stream.getvalue()
