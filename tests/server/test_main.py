"""The process: exit status, one line for each usage error, and the lines that other programs read."""

from __future__ import annotations

import socket
import sys

import pytest

from server.__main__ import main
from server.models import MODELS
from tests.support.many_processes import children
from tests.support.server_process import run_server, running_server
from tests.support.sockets import ask, connect


def test_a_setting_that_can_not_be_used_is_one_line_and_exit_2() -> None:
    ended = run_server("--model", "threads")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        f"holdfast server: '--model threads': expected one of {', '.join(MODELS)} (see python -m server --help)"
    ]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--max-connections", "1020"), "use 1006 or fewer, --processes 2, or --model epoll"),
        (("--processes", "4", "--max-connections", "15000"), "or fewer, or --processes 15"),
        (("--model", "sync", "--processes", "4"), "processes of sync can't share connections"),
        (("--model", "epoll", "--max-connections", "2000000000"), "RLIMIT_NOFILE"),
        (("--host", "192.0.2.1"), "not an address of this machine"),
    ],
)
def test_an_impossible_setting_is_one_line_and_exit_2(flags: tuple[str, ...], said: str) -> None:
    ended = run_server("--port", "0", "--admin-port", "0", *flags)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("flag", ["--port", "--admin-port"])
def test_a_port_in_use_is_one_line_and_exit_2(flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_server("--port", "0", "--admin-port", "0", flag, port)
    assert ended.returncode == 2
    assert f"port {port}: the port is in use" in ended.stderr
    assert f"another port with {flag}" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_the_server_serves_with_standard_error_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["--model", "threads"], {}) == 2
    sys.stderr.close()  # What it put in its place.


def test_help_is_exit_0() -> None:
    ended = run_server("--help")
    assert ended.returncode == 0
    assert "--max-connections" in ended.stdout


def test_the_first_line_is_where_it_listens() -> None:
    with running_server() as server:
        assert server.lines[0].startswith("holdfast server listening on 127.0.0.1:")
        assert server.stop() == 0


def test_the_tutorials_lines_are_logged_at_debug_level_only() -> None:
    with running_server("--log-level", "debug") as server, connect(server.port) as client:
        ask(client, b"hello\n")
        host, port = client.getsockname()
        server.wait_for_line(rf"^new connection from \('{host}', {port}\)$")
        server.wait_for_line(r"^getting data: b'hello\\n'$")
    with running_server() as server, connect(server.port) as client:
        ask(client, b"hello\n")
        assert server.stop() == 0
        assert not any("new connection" in line or "getting data" in line for line in server.lines)


def test_the_server_listens_on_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with running_server("--host", "::1", "--admin-host", "::1") as server, connect(server.port, "::1") as client:
        assert ask(client, b"hello\n") == b"Hello from server!\n"
        assert server.get("/healthz") == (200, "ok\n")


def test_one_process_starts_no_other() -> None:
    with running_server("--processes", "auto", "--max-connections", "1000") as server:
        assert server.lines[0].endswith(f" model select pid {server.process.pid}")
        assert not children(server)
        assert server.metrics()["processes"] == 1
        assert server.stop() == 0
