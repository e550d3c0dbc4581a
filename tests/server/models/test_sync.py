"""The faults of the tutorial server, which the lab keeps in order to show them."""

from __future__ import annotations

import errno
import io
import socket
from typing import NoReturn

import pytest

from server.models.sync import SyncModel
from tests.support.server_process import running_server
from tests.support.services import service
from tests.support.sockets import connect, read_to_end


def test_a_silent_first_client_blocks_all_others() -> None:
    with running_server("--model", "sync") as server, connect(server.port) as first:
        server.wait_for_metrics(lambda metrics: metrics["accepted_total"] == 1)
        with connect(server.port) as second:
            second.sendall(b"hello\n")
            second.settimeout(0.5)
            with pytest.raises(TimeoutError):
                second.recv(1024)
            assert server.get("/healthz")[0] == 200
            assert server.metrics()["loop_lag_seconds"] >= 0.4  # The lag shows that it hangs.
            first.close()
            second.settimeout(30)
            assert read_to_end(second) == b"Hello from server!\n"


def test_sync_replies_once_to_what_one_recv_brought_and_closes() -> None:
    with running_server("--model", "sync", "--app", "echo") as server, connect(server.port) as client:
        client.sendall(b"one\ntwo\nthr")
        assert read_to_end(client) == b"one\ntwo\nthr\n"
        metrics = server.wait_for_metrics(lambda metrics: metrics["connections"] == 0)
        assert metrics["messages_total"] == 1
        assert metrics['closed_total{reason="answered"}'] == 1


def test_a_client_that_leaves_silently_is_counted() -> None:
    with running_server("--model", "sync") as server:
        connect(server.port).close()
        server.wait_for_metrics(lambda metrics: metrics['closed_total{reason="client"}'] == 1)


def test_a_signal_cuts_the_current_client() -> None:
    with running_server("--model", "sync", "--log-level", "debug") as server, connect(server.port):
        server.wait_for_line("new connection from")
        assert server.stop() == 0
        assert server.lines[-1] == "stopping"


class Broken(socket.socket):
    """What accept returns: its recv fails."""

    def recv(self, *_: object) -> NoReturn:
        raise OSError(errno.EIO, "the disk of the network")


def test_an_unexpected_error_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("server.models.sync.next_client", lambda made: (Broken(), "a client"))
    with service("--model", "sync", stream=stream) as made:
        SyncModel()._serve_one(made)
        assert made.counters.closed["failed"] == 1
    assert "connection from a client failed: [Errno 5] the disk of the network\n" in stream.getvalue()
