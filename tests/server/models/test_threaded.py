"""threaded only: a blocking call blocks one connection, and without a thread one connection ends, not the server."""

from __future__ import annotations

from threading import Thread

import pytest

from server.models.threaded import ThreadedModel
from tests.support.server_process import running_server
from tests.support.services import service
from tests.support.sockets import connect, connections, eventually, read_line, read_to_end


def test_a_blocking_call_delays_only_its_own_connection() -> None:
    with running_server("--model", "threaded", "--block-ms", "500") as server, connections(server.port, 100) as clients:
        for client in clients:
            client.sendall(b"hello\n")
            client.settimeout(25)  # One after the other they would take 50 s.
        assert {read_line(client) for client in clients} == {b"Hello from server!\n"}


def test_a_thread_for_each_connection() -> None:
    with running_server("--model", "threaded") as server, connections(server.port, 20) as clients:
        server.wait_for_metrics(lambda metrics: metrics["connections"] == 20)
        assert server.threads() >= 21
        for client in clients:
            client.close()
        eventually(lambda: server.threads() < 21, "the threads end with their connections")


def test_a_connection_without_a_thread_is_refused_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with service("--model", "threaded") as made:
        serving = Thread(target=ThreadedModel().serve, args=(made,), daemon=True)
        serving.start()
        monkeypatch.setattr("server.models.threaded.Thread.start", fails)
        with connect(made.listener.getsockname()[1]) as client:
            assert read_to_end(client) == b"ERR server full\n"
        eventually(lambda: made.counters.closed["failed"] == 1, "it is counted")
        assert made.counters.connections == 0
        monkeypatch.undo()
        made.stops.request()
        serving.join(30)
        assert not serving.is_alive()
