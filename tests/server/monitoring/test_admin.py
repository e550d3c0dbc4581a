"""The admin port, in this process: requests are answered, and bad clients do not block others for long."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

from server.monitoring import admin
from server.monitoring.admin import Admin
from server.system.listener import listen
from tests.support.sockets import connect, read_to_end


@contextmanager
def running(trouble: str = "") -> Iterator[int]:
    with listen("127.0.0.1", 0, 5, "admin-") as sock:
        served = Admin(sock, lambda: b"figures\n", lambda: trouble)
        assert served.fileno() == sock.fileno()
        served.start()
        yield sock.getsockname()[1]
        served.close()


def ask(port: int, request: bytes) -> tuple[bytes, bytes]:
    with connect(port) as client:
        client.sendall(request)
        head, _, body = read_to_end(client).partition(b"\r\n\r\n")
        return head, body


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [(b"/healthz", b"200", b"ok\n"), (b"/metrics", b"200", b"figures\n"), (b"/metrics?x=1", b"200", b"figures\n")],
)
def test_each_path_is_answered(path: bytes, status: bytes, body: bytes) -> None:
    with running() as port:
        head, answered = ask(port, b"GET " + path + b" HTTP/1.0\r\n\r\n")
        assert head.split()[1] == status
        assert answered == body
        assert b"Content-Length: %d" % len(body) in head


def test_a_health_problem_is_503() -> None:
    with running("draining") as port:
        head, body = ask(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert head.split()[1] == b"503"
        assert body == b"draining\n"


def test_head_has_no_body() -> None:
    with running() as port:
        head, body = ask(port, b"HEAD /healthz HTTP/1.0\r\n\r\n")
        assert head.split()[1] == b"200"
        assert body == b""


@pytest.mark.parametrize(("request_", "status"), [(b"GET / HTTP/1.0", b"404"), (b"POST /metrics HTTP/1.0", b"501")])
def test_unknown_paths_and_methods_are_errors(request_: bytes, status: bytes) -> None:
    with running() as port:
        assert ask(port, request_ + b"\r\n\r\n")[0].split()[1] == status


def test_a_silent_or_leaving_client_does_not_block_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "TIMEOUT_SECONDS", 0.2)
    with running() as port, connect(port):  # The second client is served after the timeout of the first.
        for _ in range(3):
            leaver = connect(port)
            leaver.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            leaver.close()
        with connect(port) as garbage:
            garbage.sendall(b"\x00\xff\r\n\r\n")
        assert ask(port, b"GET /healthz HTTP/1.0\r\n\r\n")[1] == b"ok\n"


def test_a_client_that_sends_byte_by_byte_does_not_block_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "TIMEOUT_SECONDS", 0.2)
    answered = Event()

    def drip(client: socket.socket) -> None:
        with suppress(OSError):  # The server closes it.
            while not answered.wait(0.05):
                client.sendall(b"x")

    with running() as port, connect(port) as slow:
        dripping = Thread(target=drip, args=(slow,))
        dripping.start()
        try:
            assert ask(port, b"GET /healthz HTTP/1.0\r\n\r\n")[1] == b"ok\n"
        finally:
            answered.set()
            dripping.join()


def test_a_request_that_is_too_long_is_closed() -> None:
    with running() as port:
        with connect(port) as endless, suppress(ConnectionError):
            endless.sendall(b"x" * 10 * admin.MAX_REQUEST_BYTES)
            assert read_to_end(endless) == b""
        assert ask(port, b"GET /healthz HTTP/1.0\r\n\r\nGET / HTTP/1.0\r\n")[1] == b"ok\n"
