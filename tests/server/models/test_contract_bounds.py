"""The contract suite: caps, timeouts, bounded memory, and limits of descriptors."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from functools import partial
from time import monotonic

from server.models.base import Promise
from tests.support.contract import (
    FULL,
    GREETING,
    IN,
    MESSAGE,
    OUT,
    assert_quiet,
    assert_silent,
    flags,
    model_of,
    promises,
    when_empty,
)
from tests.support.many_processes import came_in, state
from tests.support.server_process import ServerProcess, running_server
from tests.support.sockets import (
    ask,
    connect,
    connections,
    eventually,
    fill_for_good,
    read_line,
    read_to_end,
)

#: A connection at the cap waits for room as long as it takes, so that a busy machine makes no difference.
PATIENT = "from server import policy\npolicy.NOTICE_SECONDS = policy.NOTICE_ELSEWHERE_SECONDS = 600.0"


@promises(Promise.CAP)
def test_connections_over_the_cap_are_refused_with_a_line(model: str) -> None:
    with (
        running_server(*flags(model), "--max-connections", "5") as server,
        connections(server.port, 5) as held,
        connections(server.port, 40) as refused,
    ):
        for client in refused:
            client.sendall(b"a message that is on its way already\n")
        for client in refused:
            assert read_to_end(client) == FULL
        assert all(ask(client, b"hello\n") == GREETING for client in held)
        assert server.get("/healthz")[0] == 200
        metrics = server.metrics()
        assert metrics["connections"] == metrics["accepted_total"] == metrics["max_connections"] == 5
        assert metrics["refused_total"] == 40


@promises(Promise.CAP)
def test_each_crossing_of_the_cap_is_one_log_line_and_a_later_connection_is_admitted(model: str) -> None:
    with running_server(*flags(model), "--max-connections", "2") as server, ExitStack() as stack:
        leaver = connect(server.port)
        stayer = stack.enter_context(connect(server.port))
        server.wait_for_line("at the cap of 2 connections: new connections are refused")
        for _ in range(3):
            with connect(server.port) as refused:
                assert read_to_end(refused) == FULL
        leaver.close()
        server.wait_for_line("below the cap again: 1 connections of 2")
        with connect(server.port) as later:
            assert ask(later, b"hello\n") == ask(stayer, b"hello\n") == GREETING
        assert sum("new connections are refused" in line for line in server.lines) <= 2
        assert server.stop() == 0


@promises(Promise.CAP)
def test_connections_over_the_cap_wait_in_the_backlog_with_at_cap_wait(model: str) -> None:
    with (
        running_server(*flags(model), "--max-connections", "2", "--at-cap", "wait") as server,
        connections(server.port, 2) as held,
        connect(server.port) as waiting,
    ):
        waiting.sendall(b"hello\n")
        server.wait_for_line("at the cap of 2 connections: new connections wait")
        assert all(ask(client, b"hello\n") == GREETING for client in held)
        assert server.metrics()["accepted_total"] == 2
        assert_quiet(model, server, waiting)
        held[0].close()
        assert read_line(waiting) == GREETING
        assert server.metrics()["refused_total"] == 0


@promises(Promise.CAP)
def test_clients_that_close_and_connect_again_at_the_cap_are_not_refused(model: str) -> None:
    with (
        running_server(*flags(model), "--max-connections", "50", before=PATIENT) as server,
        connections(server.port, 50) as held,
    ):
        for number in range(2000):  # So fast that the server finds some new connections before it sees the ends.
            held[number % 50].close()
            held[number % 50] = connect(server.port)
        assert all(ask(client, b"hello\n") == GREETING for client in held)
        metrics = server.metrics()
        assert metrics["refused_total"] == 0
        assert metrics["connections"] == 50
        for client in held:
            client.close()


@promises(Promise.BOUNDS)
def test_a_message_that_is_too_long_gets_its_error_line_although_more_is_coming(echo: ServerProcess) -> None:
    before = when_empty(echo)
    with connect(echo.port) as client:
        with suppress(ConnectionError):  # If this process could not send for as long as the server lingers.
            client.sendall(b"fine\n" + b"x" * 10_000_000 + b"\n")
        assert read_to_end(client) == b"fine\nERR message too long\n"
    after = when_empty(echo)
    for name in ("messages_total", 'closed_total{reason="too-long"}'):
        assert after[name] - before[name] == 1, name


@promises(Promise.BOUNDS)
def test_a_message_that_takes_too_long_gets_its_error_line(model: str) -> None:
    with (
        running_server(*flags(model), "--message-timeout", "0.2") as server,
        connect(server.port) as silent,
        connect(server.port) as slow,
    ):
        assert ask(slow, b"in time\n") == GREETING
        slow.settimeout(0.1)
        received = b""
        while not received:
            slow.sendall(b"x")  # Never idle, never done.
            try:
                received = slow.recv(100)
            except TimeoutError:
                continue
        assert received == b"ERR message timeout\n"
        assert ask(silent, b"hello\n") == GREETING  # It has no unfinished message, so none is late.
        assert server.metrics()["messages_total"] == 2
        slow.close()
        server.wait_for_metrics(lambda metrics: metrics['closed_total{reason="message-timeout"}'] == 1)


@promises(Promise.HALF_CLOSE, Promise.BOUNDS)
def test_a_message_cut_off_by_the_end_of_input_is_not_late(model: str) -> None:
    with (
        running_server(*flags(model), "--app", "echo", "--message-timeout", "0.2") as server,
        connect(server.port) as slow,
        socket.socket() as client,
    ):
        client.settimeout(30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((server.host, server.port))
        sent = until_replies_wait(server, client, slow)
        client.sendall(b"unfinished")
        client.shutdown(socket.SHUT_WR)
        assert ask(slow, b"x") == b"ERR message timeout\n"  # So the other deadlines have been checked as well.
        assert read_to_end(client) == MESSAGE * (sent // len(MESSAGE))
        metrics = server.wait_for_metrics(lambda metrics: metrics['closed_total{reason="client"}'] == 1)
        assert metrics["unfinished_total"] == 1


def until_replies_wait(server: ServerProcess, client: socket.socket, other: socket.socket) -> int:
    """Send without reading until replies wait in the server, but so few that it reads on; return the bytes sent."""
    sent = 0
    while owed(server) < len(MESSAGE):
        client.sendall(MESSAGE * 10)
        sent += 10 * len(MESSAGE)
        for _ in range(2):
            ask(other, b"hello\n")  # The turn in which it received the messages is over.
    return sent


def owed(server: ServerProcess) -> float:
    """Return how many bytes an echo server has not sent yet."""
    metrics = server.metrics()
    return metrics[IN] - metrics[OUT]


@promises(Promise.IDLE)
def test_a_silent_connection_is_closed(model: str) -> None:
    with running_server(*flags(model), "--idle-timeout", "0.2") as server, connect(server.port) as client:
        assert read_to_end(client) == b""
        assert server.metrics()['closed_total{reason="idle"}'] == 1


@promises(Promise.IDLE)
def test_the_time_that_an_answer_takes_is_not_idle_time(model: str) -> None:
    with running_server(*flags(model), "--block-ms", "1000", "--idle-timeout", "0.9") as server:
        while (heard := heard_after_reply(server, within=1.9)) is None:
            pass
        assert heard


def heard_after_reply(server: ServerProcess, within: float) -> bool | None:
    """Return whether the server still listens to a client that has just had its reply.

    None: this process was too slow to ask and send more `within` seconds.
    """
    before = server.metrics()[IN]
    with connect(server.port) as client, suppress(OSError):
        began = monotonic()
        ask(client, b"hello\n")
        client.sendall(b"x")
        if monotonic() - began >= within:
            return None
        after = server.wait_for_metrics(lambda metrics: metrics[IN] == before + 7 or metrics["connections"] == 0)
        return after[IN] == before + 7
    return None


@promises(Promise.MEMORY)
def test_a_client_that_never_reads_costs_bounded_memory(model: str, server: ServerProcess) -> None:
    with connect(server.port) as client, connect(server.port) as other:
        ask(other, b"warm up\n")
        before = memory(server)
        fill_for_good(client, b"\n" * 65536, partial(came_in, server))
        assert ask(other, b"hello\n") == GREETING
        assert memory(server) - before < 20_000_000
        assert_quiet(model, server, other)  # Paused, not polled.


def memory(server: ServerProcess) -> float:
    metrics = server.metrics()
    of_each = [value for name, value in metrics.items() if name.startswith("process_memory_bytes{")]
    return sum(of_each) or metrics["process_resident_memory_bytes"]


@promises(Promise.DESCRIPTORS)
def test_out_of_descriptors_new_connections_are_refused_and_nothing_spins(model: str) -> None:
    with running_server(*flags(model)) as server, connect(server.port) as old, ExitStack() as stack:
        ask(old, b"hello\n")
        if Promise.QUIET in model_of(model).promises:
            eventually(lambda: state(server.process.pid) == "S", "it waits, and has closed what it sent on")
        server.limit_descriptors(server.open_descriptors())  # No admin request yet: all of these stay in use.
        clients = [stack.enter_context(connect(server.port)) for _ in range(5)]
        for client in clients:
            assert read_to_end(client) == FULL
            client.close()
        assert ask(old, b"hello\n") == GREETING
        assert_silent(model, server, old)
        server.wait_for_line("Too many open files")
        assert said(server, "Too many open files") <= 1 + said(
            server, "available again"
        )  # On a slow machine it may happen again.
        server.limit_descriptors(500)
        if Promise.QUIET in model_of(model).promises:
            assert server.metrics()["loop_turns_total"] < 500
        # The first may come while the server has its spare descriptor closed (busy tries all the time).
        answers = [ask(stack.enter_context(connect(server.port)), b"hello\n") for _ in range(2)]
        assert answers[-1] == GREETING
        assert server.metrics()["accept_errors_total"] >= 5


def said(server: ServerProcess, text: str) -> int:
    """Return how many lines of its log contain `text`."""
    return sum(text in line for line in server.lines)


@promises(Promise.BEYOND_1024)
def test_1500_connections_at_once_are_held_and_answered(server: ServerProcess) -> None:
    with connections(server.port, 1500) as sockets:
        for number, client in enumerate(sockets):
            client.sendall(b"hello %d\n" % number)
        assert all(read_line(client) == GREETING for client in sockets)
