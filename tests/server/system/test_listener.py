"""Listening sockets: real addresses, inherited options, and errors as one line."""

from __future__ import annotations

import socket

import pytest

from server.settings import UsageError
from server.system import listener


def test_port_0_gets_a_free_port_and_the_address_is_reported() -> None:
    with listener.listen("127.0.0.1", 0, 5, "") as sock:
        host, port = sock.getsockname()
        assert listener.format_address(sock) == f"{host}:{port}"
        assert port > 0
        assert not sock.getblocking()


def test_ipv6_is_shown_in_brackets() -> None:
    try:
        sock = listener.listen("::1", 0, 5, "")
    except UsageError:
        pytest.skip("no IPv6 on this machine")
    with sock:
        assert listener.format_address(sock) == f"[::1]:{sock.getsockname()[1]}"


def test_accepted_connections_inherit_the_options() -> None:
    with listener.listen("127.0.0.1", 0, 5, "") as sock:
        listener.set_inherited_options(sock)
        sock.setblocking(True)
        with socket.create_connection(sock.getsockname()), sock.accept()[0] as peer:
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == listener.KEEPALIVE_IDLE
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == listener.USER_TIMEOUT_MS


def test_connections_that_wait_to_be_accepted_are_counted() -> None:
    with listener.listen("127.0.0.1", 0, 5, "") as sock:
        assert listener.backlog_length(sock) == 0
        with socket.create_connection(sock.getsockname()), socket.create_connection(sock.getsockname()):
            assert listener.backlog_length(sock) == 2
            sock.accept()[0].close()
            assert listener.backlog_length(sock) == 1
        assert listener.backlog_length(sock) == 1  # It has left, and still counts.
    assert listener.backlog_length(sock) is None


def test_a_port_in_use_is_an_error_that_names_the_flag() -> None:
    with listener.listen("127.0.0.1", 0, 5, "") as sock:
        port = sock.getsockname()[1]
        with pytest.raises(UsageError, match=rf"port {port}: the port is in use; .*--admin-port"):
            listener.listen("127.0.0.1", port, 5, "admin-")


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"not an address of this machine; .*--host"):
        listener.listen("192.0.2.1", 0, 5, "")  # TEST-NET-1, RFC 5737


@pytest.mark.parametrize("name", ["no such name", "a..b", "x" * 64])
def test_an_unknown_host_name_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match=r"^--admin-host .*: no such host .*; name an address of this machine$"):
        listener.listen(name, 0, 5, "admin-")
