"""Several processes over one listener, as a client and a scraper see them, and what happens when one is killed.

What each model promises holds for `select x3` as well: see models/test_contract.py.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from server.processes.children import BATCH_DIVISOR
from tests.support.many_processes import came_in, children, gone, of_each, pids, standing_still
from tests.support.server_process import ServerProcess, running_server
from tests.support.sockets import (
    ask,
    connect,
    connections,
    eventually,
    fill_for_good,
    read_line,
    read_to_end,
    refuses,
)

ECHO = ("--app", "echo", "--processes", "3")
MESSAGE = b"x" * 999 + b"\n"

#: No process counts as slow, so connections wait for the least loaded one, even on a busy machine.
PATIENT = "from server.processes import children\nchildren.SLOW_SECONDS = 600.0"


@pytest.fixture(scope="module")
def past_the_wall() -> Iterator[tuple[ServerProcess, list[socket.socket]]]:
    """More connections than select can watch, each answered once; tests do not change them."""
    with (
        running_server("--app", "echo", "--processes", "auto", "--max-connections", "2001", before=PATIENT) as server,
        connections(server.port, 1200) as held,
    ):
        for number, client in enumerate(held):
            client.sendall(b"hello %d\n" % number)
        for number, client in enumerate(held):
            assert read_line(client) == b"hello %d\n" % number
        yield server, held


def dropped(clients: list[socket.socket]) -> list[socket.socket]:
    """Return the connections that get no reply any more."""
    return [client for client in clients if not _answered(client)]


def _answered(client: socket.socket) -> bool:
    try:
        return ask(client, b"still here\n") == b"still here\n"
    except ConnectionError:
        return False


# All connections are held, evenly, and counted


def test_auto_starts_as_many_processes_as_the_connections_need(past_the_wall: tuple[ServerProcess, object]) -> None:
    server, _ = past_the_wall
    assert server.lines[0].endswith(f"model select pid {server.process.pid} processes 3")
    metrics = server.metrics()
    assert metrics["processes"] == metrics["processes_wanted"] == len(pids(server)) == 3
    assert metrics["max_connections"] == 2001
    assert metrics["respawns_total"] == 0


def test_the_connections_are_shared_evenly(past_the_wall: tuple[ServerProcess, object]) -> None:
    held = of_each(past_the_wall[0].metrics(), "connections")
    assert sum(held.values()) == 1200
    assert max(held.values()) - min(held.values()) <= 1 + 400 // BATCH_DIVISOR


def test_the_figures_of_the_processes_add_up(past_the_wall: tuple[ServerProcess, object]) -> None:
    metrics = past_the_wall[0].metrics()
    assert metrics["connections"] == metrics["accepted_total"] == metrics["messages_total"] == 1200
    for name in ("accepted_total", "messages_total", "replies_total"):
        assert sum(of_each(metrics, name).values()) == 1200
    assert sum(of_each(metrics, "memory_bytes").values()) > 1_000_000
    assert all(seconds >= 0 for seconds in of_each(metrics, "cpu_seconds_total").values())


def test_health_and_the_process_metrics_of_the_parent(past_the_wall: tuple[ServerProcess, object]) -> None:
    server, _ = past_the_wall
    assert server.get("/healthz") == (200, "ok\n")
    assert server.metrics()["process_open_fds"] == server.open_descriptors()
    assert server.process.pid not in children(server)


# Killed and stopped processes


def test_a_killed_process_loses_only_its_own_connections_and_is_restarted() -> None:
    with running_server(*ECHO, "--max-connections", "12") as server, connections(server.port, 12) as clients:
        assert not dropped(clients)
        os.kill(pids(server)[1], signal.SIGKILL)
        server.wait_for_line(r"^process 1 \(pid \d+\) was killed by SIGKILL: 4 connections lost$")
        with connections(server.port, 4) as again:  # The other processes are full, so these wait for the new one.
            assert not dropped(again)
            server.wait_for_line(r"^process 1 restarted \(pid \d+\)$")
            assert len(dropped(clients)) == 4
            metrics = server.metrics()
            assert of_each(metrics, "connections") == {0: 4, 1: 4, 2: 4}
            assert metrics["connections"] == 12
            assert metrics["accepted_total"] == 16
            assert metrics['closed_total{reason="lost"}'] == 4
            assert metrics["refused_total"] == 0
            assert metrics["respawns_total"] == 1
            assert metrics["processes"] == 3
        assert server.stop() == 0


def test_clients_that_reconnect_at_the_cap_after_a_process_died_are_not_refused() -> None:
    with running_server(*ECHO, "--max-connections", "900") as server, connections(server.port, 900) as clients:
        assert not dropped(clients)
        os.kill(pids(server)[1], signal.SIGKILL)
        with ExitStack() as stack:
            back = [stack.enter_context(connect(server.port)) for _ in each_dropped(clients, 300)]
            assert not dropped(back)
        assert server.metrics()["refused_total"] == 0
        assert server.metrics()['closed_total{reason="lost"}'] == 300


def each_dropped(clients: list[socket.socket], count: int) -> Iterator[socket.socket]:
    """Yield `count` clients, each at the moment when its connection ends."""
    question = select.poll()
    by_fd = {client.fileno(): client for client in clients}
    for fd in by_fd:
        question.register(fd, select.POLLIN)
    while count:
        for fd, _ in question.poll():
            question.unregister(fd)
            count -= 1
            yield by_fd[fd]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_connections_that_wait_at_the_cap_are_admitted_when_a_process_ends(number: signal.Signals) -> None:
    # So that no timer admits a connection.
    never = (
        "from server.processes import parent, process_table\n"
        "parent.IDLE_SECONDS, process_table.RESTART_DELAY_SECONDS = 600.0, 0.0"
    )
    flags = ("--app", "echo", "--processes", "2", "--max-connections", "4", "--at-cap", "wait")
    with running_server(*flags, before=never) as server, connections(server.port, 4) as clients:
        assert not dropped(clients)
        with connect(server.port) as waiting:
            waiting.sendall(b"hello\n")
            eventually(lambda: server.metrics()["backlog"] == 1, "it waits")
            os.kill(pids(server)[0], number)
            assert read_line(waiting) == b"hello\n"


def test_connections_that_no_process_serves_yet_are_in_the_backlog_metric() -> None:
    with running_server("--app", "echo", "--processes", "2", "--max-connections", "10") as server, ExitStack() as stack:
        assert not dropped([stack.enter_context(connect(server.port))])
        below = list(pids(server).values())
        with standing_still(below[0]), standing_still(below[1]):
            waiting = stack.enter_context(connections(server.port, 6))
            server.wait_for_metrics(lambda metrics: metrics["backlog"] == 6)
            assert server.metrics()["connections"] == 1
        assert not dropped(waiting)
        server.wait_for_metrics(lambda metrics: (metrics["backlog"], metrics["connections"]) == (0, 7))


def test_no_new_connection_is_left_with_a_stopped_process() -> None:
    with running_server(*ECHO) as server, ExitStack() as stack:

        def newcomer() -> socket.socket:
            client = stack.enter_context(connect(server.port))
            assert not dropped([client])
            return client

        before = [newcomer() for _ in range(6)]
        held = of_each(server.metrics(), "connections")[0]
        with standing_still(pids(server)[0]):
            for _ in range(30):
                newcomer()
            metrics = server.metrics()
            assert metrics["connections"] == 36
            assert of_each(metrics, "connections")[0] == held
        assert not dropped(before)
        eventually(
            lambda: newcomer() and of_each(server.metrics(), "connections")[0] > held,
            "it goes on, and gets newcomers",
        )
        metrics = server.metrics()
        assert metrics["connections"] == metrics["accepted_total"] == sum(of_each(metrics, "connections").values())
        assert server.stop() == 0


def test_a_connection_that_waits_for_a_stopped_process_is_served_when_it_continues() -> None:
    with running_server(*ECHO, "--max-connections", "3") as server, connections(server.port, 2) as clients:
        assert not dropped(clients)
        (free,) = (number for number, held in of_each(server.metrics(), "connections").items() if not held)
        with connect(server.port) as waiting:
            with standing_still(pids(server)[free]):
                waiting.sendall(b"hello\n")
                waiting.settimeout(0.5)
                with pytest.raises(TimeoutError):
                    waiting.recv(1)
            waiting.settimeout(30)
            assert read_line(waiting) == b"hello\n"


def test_a_stopped_process_drains_and_is_restarted() -> None:
    with running_server(*ECHO, "--drain-timeout", "25", before=PATIENT) as server, ExitStack() as stack:
        owed, *others = stack.enter_context(connections(server.port, 3))
        assert not dropped(others)
        taken = fill_for_good(owed, MESSAGE, partial(came_in, server))
        (leaving,) = (number for number, sent in of_each(server.metrics(), "messages_total").items() if sent > 1)
        os.kill(pids(server)[leaving], signal.SIGTERM)
        server.wait_for_line(rf"^process {leaving}: stopping: 0 connections closed, 1 still draining")
        newcomers = stack.enter_context(connections(server.port, 10))
        assert not dropped([*others, *newcomers])
        replies = read_to_end(owed)
        assert replies == MESSAGE * (len(replies) // len(MESSAGE))
        assert 0 < len(replies) <= taken
        owed.close()
        server.wait_for_line(rf"^process {leaving} \(pid \d+\) exited with code 0 after draining$")
        server.wait_for_line(rf"^process {leaving} restarted")
        assert server.get("/healthz") == (200, "ok\n")
        metrics = server.metrics()
        assert metrics['closed_total{reason="lost"}'] == 0
        assert metrics["connections"] == 12
        assert not dropped(newcomers)


def test_all_processes_end_with_a_killed_supervisor_and_the_port_is_free() -> None:
    flags = ("--app", "echo", "--processes", "2", "--block-ms", "60000")
    with running_server(*flags) as server, connect(server.port) as client, connect(server.port) as other:
        client.sendall(b"its process is in a blocking call now\n")
        server.wait_for_metrics(lambda metrics: max(of_each(metrics, "loop_lag_seconds").values()) > 0.1)
        below = children(server)
        assert len(below) == 3  # With the admin process.
        server.process.kill()
        eventually(lambda: all(gone(pid) for pid in below), "all processes are gone")
        assert read_to_end(other) == b""
        socket.create_server(("127.0.0.1", server.port)).close()
        socket.create_server(("127.0.0.1", server.admin_port)).close()


def test_each_process_delivers_pending_replies_when_the_server_stops() -> None:
    flags = (*ECHO, "--drain-timeout", "25")
    with running_server(*flags, before=PATIENT) as server, connections(server.port, 6) as clients:
        assert not dropped(clients)
        owed = clients[:3]  # One in each process.
        for client in owed:
            fill_for_good(client, MESSAGE, partial(came_in, server))
        os.kill(server.process.pid, signal.SIGTERM)
        assert [read_to_end(client) for client in clients[3:]] == [b""] * 3
        assert server.get("/healthz") == (503, "draining\n")
        eventually(lambda: refuses(server.port), "nobody is let in any more")
        for client in owed:
            replies = read_to_end(client)
            assert replies
            assert len(replies) % len(MESSAGE) == 0
            client.close()
        assert server.exit_code() == 0
