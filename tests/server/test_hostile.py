"""Hostile clients, all at once, against the server with its defaults: the others are answered."""

from __future__ import annotations

import random
from contextlib import ExitStack, suppress

import pytest

from tests.support.server_process import running_server
from tests.support.sockets import ask, connect, connections, fill, read_to_end

GREETING = b"Hello from server!\n"


def test_of_1500_connections_at_once_1000_are_held_and_500_refused() -> None:
    with running_server() as server, connections(server.port, 1500) as sockets:
        for client in sockets:
            client.sendall(b"hello\n")
        first = [client.recv(100) for client in sockets]
        assert first.count(GREETING) == 1000
        assert first.count(b"ERR server full\n") == 500
        for client, line in zip(sockets, first, strict=True):
            if line != GREETING:
                assert read_to_end(client) == b""
        metrics = server.metrics()
        assert metrics["connections"] == metrics["accepted_total"] == 1000
        assert metrics["refused_total"] == 500
        held = next(client for client, line in zip(sockets, first, strict=True) if line == GREETING)
        assert ask(held, b"hello\n") == GREETING


@pytest.mark.parametrize("model", ["select", "epoll"])
def test_hostile_clients_up_to_the_cap_leave_the_server_answering(model: str) -> None:
    noise = random.Random(20).randbytes(200_000)
    with running_server("--model", model) as server, ExitStack() as stack:
        never_reads, half_message, garbage, huge, leaver = (stack.enter_context(connect(server.port)) for _ in range(5))
        fill(never_reads, b"\n" * 65536)
        half_message.sendall(b"a byte at a t")
        fill(garbage, noise, quiet=0.2)
        with suppress(ConnectionError):  # If this process could not send for as long as the server lingers.
            huge.sendall(b"x" * 10_000_000)
        assert read_to_end(huge) == b"ERR message too long\n"
        leaver.sendall(b"half a li")
        leaver.close()
        huge.close()
        with connect(server.port) as honest:
            assert ask(honest, b"hello\n") == GREETING
        metrics = server.wait_for_metrics(lambda metrics: metrics["connections"] <= 3)
        assert metrics['closed_total{reason="too-long"}'] >= 1
        assert metrics["unfinished_total"] == 1
        assert server.get("/healthz") == (200, "ok\n")
