"""The parent of several processes: restarts at a bounded rate, and an exit status that tells the truth."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

from server.processes.parent import GRACE_SECONDS
from server.processes.process_table import RESTART_DELAY_SECONDS
from tests.support.many_processes import children, gone, of_each, pids, standing_still
from tests.support.server_process import running_server
from tests.support.sockets import ask, connect, connections, eventually

TWO = ("--app", "echo", "--processes", "2")


def started_at(pid: int) -> float:
    """Return when the process started, in seconds since boot (proc(5), stat, field 22)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def test_a_restarted_admin_process_shows_the_same_figures() -> None:
    with running_server(*TWO) as server, connect(server.port) as client:
        ask(client, b"hello\n")
        serving = set(pids(server).values())
        (admin,) = children(server) - serving
        os.kill(admin, signal.SIGKILL)
        eventually(lambda: gone(admin), "it has ended")
        assert server.get("/healthz") == (200, "ok\n")  # A request meanwhile waits.
        metrics = server.metrics()
        assert metrics["connections"] == metrics["messages_total"] == 1
        assert metrics["respawns_total"] == 0
        assert set(pids(server).values()) == serving
        os.kill(server.process.pid, signal.SIGINT)
        assert server.exit_code() == 0


def test_a_process_that_dies_is_restarted_at_most_once_a_second() -> None:
    with running_server(*TWO) as server:
        before = pids(server)
        first = started_at(before[0])
        os.kill(before[0], signal.SIGKILL)
        server.wait_for_line("^process 0 restarted")
        metrics = server.metrics()
        after = pids(server)
        assert started_at(after[0]) - first > RESTART_DELAY_SECONDS - 0.05  # Clock ticks are 0.01 s.
        assert after[1] == before[1]
        assert metrics["processes"] == 2
        assert metrics["respawns_total"] == 1


def test_ctrl_c_is_handled_by_the_parent_only() -> None:
    with running_server(*TWO) as server, connections(server.port, 2) as clients:
        before = pids(server)
        for pid in children(server):
            os.kill(pid, signal.SIGINT)
        assert all(ask(client, b"hello\n") == b"hello\n" for client in clients)
        assert pids(server) == before
        server.signal(signal.SIGINT)
        assert server.exit_code() == 0


def test_the_server_is_not_healthy_while_no_process_serves() -> None:
    with running_server(*TWO, before="from server.readiness.loop import Loop\nLoop.run = lambda self: 1 / 0") as server:
        eventually(lambda: server.get("/healthz") == (503, "no process serves\n"), "nobody serves")
        server.wait_for_line("^process 1: Traceback")
        server.wait_for_line(r"^process 1 \(pid \d+\) exited with code 1: 0 connections lost$")
        server.signal()
        assert server.exit_code() == 0


def test_a_signal_to_the_whole_group_loses_no_connection() -> None:
    for _ in range(3):  # The earlier the signal, the fewer of them have handlers yet.
        with running_server(*TWO, own_group=True) as server:
            os.killpg(server.process.pid, signal.SIGTERM)
            assert server.exit_code() == 0
            assert not [line for line in server.lines if "lost" in line or "killed" in line or "drained" in line]


def test_repeated_stop_requests_do_not_postpone_the_kill() -> None:
    with running_server(*TWO, "--drain-timeout", "0.1") as server, standing_still(pids(server)[0]):
        eventually(lambda: server.signal() or "are killed" in server.lines[-1], "its time is over")
        assert server.exit_code() == 1


def test_a_process_that_can_not_start_without_descriptors_starts_when_there_are_some() -> None:
    with running_server(*TWO) as server, connect(server.port) as client:
        ask(client, b"hello\n")
        (victim,) = (number for number, held in of_each(server.metrics(), "connections").items() if not held)
        pid = pids(server)[victim]
        server.limit_descriptors(5)
        os.kill(pid, signal.SIGKILL)
        server.wait_for_line(f"^process {victim} can't start; retrying every second: Too many open files$")
        assert ask(client, b"hello\n") == b"hello\n"
        server.limit_descriptors(500)
        server.wait_for_line(f"^process {victim} restarted")
        assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0] == 500
        assert server.stop() == 0


def test_a_process_that_does_not_end_in_time_is_killed_and_the_server_exits_with_1() -> None:
    with running_server(*TWO, "--drain-timeout", "0.1") as server, connect(server.port) as client:
        ask(client, b"hello\n")
        (held,) = (number for number, held in of_each(server.metrics(), "connections").items() if held)
        with standing_still(pids(server)[held]):
            assert server.stop() == 1
        server.wait_for_line("did not end in time")


def test_the_grace_is_short_enough_for_docker() -> None:
    assert 5 + 2 * GRACE_SECONDS < 10
