"""The contract suite: what the models that speak TLS promise of it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from server.models.base import Promise
from tests.support.contract import FULL, IN, OUT, begin_to_drain, flags, promises, when_empty
from tests.support.server_process import ServerProcess, running_server
from tests.support.sockets import ask, connect, read_exactly, read_to_end
from tests.support.tls import client_side, connect_tls, tls_flags

CLOSED = 'closed_total{{reason="{}"}}'.format


@pytest.fixture(scope="module")
def encrypted(model: str) -> Iterator[ServerProcess]:
    """An echo server with TLS, shared by tests that leave it as it was."""
    with running_server(*flags(model), *tls_flags(), "--app", "echo") as running:
        yield running


@promises(Promise.TLS)
def test_messages_are_echoed_and_counted_as_plain_text(encrypted: ServerProcess) -> None:
    before = when_empty(encrypted)
    with connect_tls(encrypted) as client:
        assert ask(client, b"hello\n") == b"hello\n"
        client.unwrap()
    after = when_empty(encrypted)
    changes = {name: after[name] - before[name] for name in (IN, OUT, "messages_total", CLOSED("client"))}
    assert changes == {IN: 6, OUT: 6, "messages_total": 1, CLOSED("client"): 1}


@promises(Promise.TLS)
def test_a_message_of_many_records_comes_back(encrypted: ServerProcess) -> None:
    message = b"x" * 60_000 + b"\n"
    with connect_tls(encrypted) as client:
        client.sendall(message)
        assert read_exactly(client, len(message)) == message


@promises(Promise.TLS)
def test_a_session_is_resumed(encrypted: ServerProcess) -> None:
    with connect_tls(encrypted) as first:
        ask(first, b"hello\n")  # The ticket comes before the reply.
        session = first.session
    sock = socket.create_connection((encrypted.host, encrypted.port), 30)
    with client_side().wrap_socket(sock, server_hostname="localhost", session=session) as second:
        assert ask(second, b"again\n") == b"again\n"
        assert second.session_reused


@promises(Promise.TLS)
def test_a_client_that_is_silent_in_the_handshake_delays_no_other(encrypted: ServerProcess) -> None:
    with connect(encrypted.port) as silent, connect(encrypted.port) as slow:
        slow.sendall(b"\x16\x03\x01")
        with connect_tls(encrypted) as client:
            assert ask(client, b"hello\n") == b"hello\n"
        silent.settimeout(0)
        with pytest.raises(BlockingIOError):
            silent.recv(1)


@promises(Promise.TLS)
def test_a_handshake_that_takes_longer_than_the_message_timeout_ends(model: str) -> None:
    with (
        running_server(*flags(model), *tls_flags(), "--app", "echo", "--message-timeout", "0.2") as server,
        connect(server.port) as silent,
    ):
        assert read_to_end(silent) == b""
        server.wait_for_metrics(lambda metrics: metrics[CLOSED("tls")] == 1)


@promises(Promise.TLS)
def test_a_failed_handshake_is_counted(encrypted: ServerProcess) -> None:
    before = when_empty(encrypted)
    with connect(encrypted.port) as plain:
        plain.sendall(b"hello\n")
        read_to_end(plain)
    with (
        socket.create_connection((encrypted.host, encrypted.port), 30) as sock,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")
    after = when_empty(encrypted)
    assert after["accepted_total"] - before["accepted_total"] == 2
    assert after[CLOSED("tls")] - before[CLOSED("tls")] == 2


@promises(Promise.TLS)
def test_replies_reach_a_client_that_has_sent_its_close_notify(encrypted: ServerProcess) -> None:
    before = when_empty(encrypted)
    with connect_tls(encrypted) as client:
        client.sendall(b"hello\nunfinished")
        with pytest.raises(ssl.SSLError, match=r"(?i)application data after close notify"):
            client.unwrap()  # It sends the close_notify, and finds the reply instead of the server's.
    after = when_empty(encrypted)
    for name in ("messages_total", "unfinished_total", CLOSED("client")):
        assert after[name] - before[name] == 1, name


@promises(Promise.TLS)
def test_a_connection_over_the_cap_gets_its_line_over_tls(model: str) -> None:
    with running_server(*flags(model), *tls_flags(), "--max-connections", "2") as server, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(connect_tls(server))
        with connect_tls(server) as refused:
            assert read_to_end(refused) == FULL
        assert server.metrics()["refused_total"] == 1


@promises(Promise.TLS)
def test_a_message_that_is_too_long_gets_its_error_line_over_tls(model: str) -> None:
    with (
        running_server(*flags(model), *tls_flags(), "--max-message", "100") as server,
        connect_tls(server) as client,
    ):
        client.sendall(b"x" * 200)
        assert read_to_end(client) == b"ERR message too long\n"
        client.unwrap()
        server.wait_for_metrics(lambda metrics: metrics[CLOSED("too-long")] == 1)


@promises(Promise.TLS)
def test_replies_that_are_pending_at_sigterm_are_delivered_over_tls(model: str) -> None:
    with (
        running_server(*flags(model), *tls_flags(), "--app", "echo") as server,
        connect_tls(server) as client,
        connect_tls(server) as idle,
    ):
        assert ask(client, b"hello\n") == b"hello\n"
        client.sendall(b"unfinis")
        server.wait_for_metrics(lambda metrics: metrics[IN] == 13)
        begin_to_drain(server)
        client.sendall(b"hed\n")
        assert read_to_end(client) == b"unfinished\n"
        assert read_to_end(idle) == b""
        client.close()
        assert server.exit_code() == 0
