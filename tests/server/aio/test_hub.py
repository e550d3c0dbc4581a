"""asyncio only: its loop is measured like the lab's, and its cap follows the descriptor limit."""

from server.models.asyncio import AsyncioModel
from tests.support.server_process import running_server
from tests.support.sockets import ask, connect, eventually, read_to_end


def test_the_default_cap_follows_the_descriptor_limit() -> None:
    assert AsyncioModel.default_cap is None
    with running_server("--model", "asyncio") as server:
        metrics = server.metrics()
        assert metrics["process_max_fds"] - 40 < metrics["max_connections"] < metrics["process_max_fds"]


def test_a_blocking_call_shows_in_the_loop_lag() -> None:
    with running_server("--model", "asyncio", "--block-ms", "300") as server, connect(server.port) as client:
        eventually(
            lambda: ask(client, b"hello\n") and server.metrics()["loop_lag_seconds"] >= 0.3,
            "the lag shows",
        )


def test_without_a_drain_timeout_the_log_counts_closed_connections_and_then_cut_ones() -> None:
    with (
        running_server("--model", "asyncio", "--drain-timeout", "0") as server,
        connect(server.port) as idle,
        connect(server.port) as begun,
    ):
        begun.sendall(b"never finished")
        server.wait_for_metrics(lambda metrics: metrics['bytes_total{direction="in"}'] == 14)
        assert server.stop() == 0
        assert server.lines[1:] == [
            "stopping: 1 connections closed, 1 still draining",
            "stopping: 1 connections cut",
        ]
        assert read_to_end(idle) == read_to_end(begun) == b""
