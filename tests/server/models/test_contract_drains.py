"""The contract suite: what happens to connections when the server stops."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from contextlib import ExitStack
from functools import partial

import pytest

from server.models.base import Promise
from tests.support.contract import (
    GREETING,
    IN,
    MESSAGE,
    begin_to_drain,
    drains,
    flags,
    model_of,
    promises,
)
from tests.support.many_processes import came_in, pids, standing_still
from tests.support.server_process import running_server
from tests.support.sockets import (
    ask,
    connect,
    eventually,
    fill_for_good,
    read_exactly,
    read_to_end,
    refuses,
)


@promises(Promise.DRAINS)
def test_pending_replies_are_delivered_after_sigterm(model: str) -> None:
    with running_server(*flags(model), "--app", "echo", "--drain-timeout", "25") as server, ExitStack() as stack:
        idle = stack.enter_context(connect(server.port))
        patient = stack.enter_context(connect(server.port))
        received = fill_for_good(patient, MESSAGE, partial(came_in, server))
        begin_to_drain(server)
        assert read_to_end(idle) == b""
        if not model_of(model).preforks:
            # A process counts only its own.
            server.wait_for_line("stopping: [01] connections closed, 1 still draining")
        eventually(lambda: refuses(server.port), "no connection is accepted any more")
        replies = read_to_end(patient)
        assert replies == MESSAGE * (len(replies) // len(MESSAGE))
        assert 0 < len(replies) <= received
        patient.close()
        assert server.exit_code() == 0


@promises(Promise.DRAINS)
def test_an_unfinished_message_may_be_completed_after_sigterm(model: str) -> None:
    with running_server(*flags(model), "--drain-timeout", "25") as server, connect(server.port) as client:
        client.sendall(b"hel")
        server.wait_for_metrics(lambda metrics: metrics[IN] == 3)
        begin_to_drain(server)
        client.sendall(b"lo\n")
        assert read_to_end(client) == GREETING
        client.close()
        assert server.exit_code() == 0


@promises(Promise.DRAINS)
def test_input_before_sigterm_is_answered_and_an_unfinished_message_completed(model: str) -> None:
    messages = b"".join(b"%09d\n" % number for number in range(4000))  # More than two recvs.
    with (
        running_server(*flags(model), "--app", "echo", "--drain-timeout", "25") as server,
        connect(server.port) as client,
    ):
        ask(client, b"accepted\n")
        with ExitStack() as standing:
            below = pids(server).values()
            for pid in below:
                standing.enter_context(standing_still(pid))
            with standing_still(server.process.pid):
                client.sendall(messages + b"beg")
                eventually(lambda: not on_their_way(client), "all of it has arrived")
                server.signal()
            if below:
                eventually(lambda: drains(server), "/healthz says that it drains")
        assert read_exactly(client, len(messages)) == messages
        assert ask(client, b"un\n") == b"begun\n"
        assert read_to_end(client) == b""
        client.close()
        assert server.exit_code() == 0


def on_their_way(client: socket.socket) -> int:
    """Return how many sent bytes the kernel at the other end has not acknowledged."""
    return int(struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, b"1234"))[0])


@promises(Promise.DRAINS)
@pytest.mark.parametrize("again", [True, False], ids=["second signal", "time is over"])
def test_a_connection_that_does_not_drain_in_time_is_cut(model: str, again: bool) -> None:
    patience = "600" if again else "0.2"
    with running_server(*flags(model), "--drain-timeout", patience) as server, connect(server.port) as client:
        client.sendall(b"never finished")
        server.wait_for_metrics(lambda metrics: metrics[IN] == 14)
        if again:
            begin_to_drain(server)
        server.signal()
        assert read_to_end(client) == b""
        assert server.exit_code() == 0, server.lines
        assert model_of(model).preforks or any("stopping: 1 connections cut" in line for line in server.lines)
