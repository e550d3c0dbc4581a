"""prefork only: a process for each connection, and how these processes end."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.models.prefork import PreforkModel
from server.service import Service
from tests.support.server_process import ServerProcess, running_server
from tests.support.services import service
from tests.support.sockets import ask, connect, connections, eventually, read_line, read_to_end

GREETING = b"Hello from server!\n"


@pytest.fixture(scope="module")
def three() -> Iterator[ServerProcess]:
    """A server of three processes, shared by tests that leave it as it was."""
    with running_server("--model", "prefork", "--max-connections", "3") as server:
        yield server


def pids(server: ServerProcess) -> dict[str, int]:
    """The serving processes, by label."""
    metrics = server.metrics()
    return {name: int(pid) for name, pid in metrics.items() if name.startswith("process_pid{") and pid}


def test_each_process_holds_one_connection_and_the_next_waits(three: ServerProcess) -> None:
    with connections(three.port, 3) as held, connect(three.port) as next_one:
        assert all(ask(client, b"hello\n") == GREETING for client in held)
        next_one.sendall(b"hello\n")
        metrics = three.wait_for_metrics(lambda metrics: metrics["backlog"] == 1)
        assert metrics["connections"] == metrics["max_connections"] == metrics["processes"] == 3
        assert [metrics[f'process_connections{{process="{number}"}}'] for number in range(3)] == [1, 1, 1]
        held[0].close()
        assert read_line(next_one) == GREETING
    three.wait_for_metrics(lambda metrics: metrics["connections"] == 0)


def test_a_killed_process_loses_its_connection_and_is_restarted(three: ServerProcess) -> None:
    with connections(three.port, 2) as clients:
        assert all(ask(client, b"hello\n") == GREETING for client in clients)
        metrics = three.metrics()
        before = pids(three)
        busy = [name for name in before if metrics[name.replace("_pid", "_connections")] == 1]
        os.kill(before[busy[0]], signal.SIGKILL)
        metrics = three.wait_for_metrics(lambda metrics: metrics["respawns_total"] == 1)
        assert metrics['closed_total{reason="lost"}'] == 1
        assert metrics["connections"] == 1
        answers = []
        for client in clients:
            try:
                answers.append(ask(client, b"hello\n"))
            except OSError:
                answers.append(b"")
        assert sorted(answers) == [b"", GREETING]
        eventually(lambda: len(pids(three)) == 3 and pids(three) != before, "three serve again")
    three.wait_for_metrics(lambda metrics: metrics["connections"] == 0)


def test_a_signal_to_the_whole_group_is_one_stop_request() -> None:
    """Each process gets it twice, directly and from its parent: the second must not cut what the first drains."""
    flags = ("--model", "prefork", "--max-connections", "2", "--drain-timeout", "25")
    with running_server(*flags) as server, connect(server.port) as client:
        client.sendall(b"hel")
        server.wait_for_metrics(lambda metrics: metrics['bytes_total{direction="in"}'] == 3)
        for pid in pids(server).values():
            os.kill(pid, signal.SIGTERM)
        server.signal()
        eventually(lambda: server.get("/healthz")[0] == 503, "it drains")
        client.sendall(b"lo\n")
        assert read_to_end(client) == GREETING
        client.close()
        assert server.exit_code() == 0


def test_a_waiting_process_that_is_stopped_is_restarted() -> None:
    with running_server("--model", "prefork", "--max-connections", "1") as server:
        with connect(server.port) as client:
            ask(client, b"hello\n")
        server.wait_for_metrics(lambda metrics: metrics["connections"] == 0)
        (pid,) = pids(server).values()
        os.kill(pid, signal.SIGTERM)
        server.wait_for_line(rf"process 0 \(pid {pid}\) exited with code 0 after draining")
        with connect(server.port) as client:
            assert ask(client, b"hello\n") == GREETING


# In the test's own process


@pytest.fixture
def own() -> Iterator[Service]:
    """The service of one process. The test sends its signals."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    with service("--model", "prefork", "--drain-timeout", "600") as made:
        made.stops.install()
        yield made
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_connection_that_comes_with_the_signal_is_not_lost(own: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        own.log, "debug", lambda text, *_: text.startswith("new") and os.kill(os.getpid(), signal.SIGTERM)
    )
    with connect(own.listener.getsockname()[1]) as client:
        client.sendall(b"hello\n")
        client.shutdown(socket.SHUT_WR)
        PreforkModel().serve(own)
        assert read_to_end(client) == GREETING
    assert own.counters.accepted == own.counters.closed["drain"] == 1


def test_a_signal_before_its_handler_stops_the_process(own: Service) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    PreforkModel().serve(own)
    assert own.counters.turns == 0


def test_a_signal_interrupts_the_wait_for_a_connection(own: Service) -> None:
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    PreforkModel().serve(own)
    assert own.counters.accepted == 0


def test_the_processes_end_with_their_parent() -> None:
    with running_server("--model", "prefork", "--max-connections", "2") as server, connect(server.port) as client:
        ask(client, b"hello\n")
        children = list(pids(server).values())
        server.signal(signal.SIGKILL)
        server.exit_code()
        eventually(lambda: not any(_runs(pid) for pid in children), "they have ended")
        assert client.recv(1) == b""


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
