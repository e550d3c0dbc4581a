import socket
import struct
from contextlib import closing
from pathlib import Path

import pytest

from rawsocket.engine.connect import client_socket as module
from rawsocket.engine.connect.client_socket import keep_alive, open_socket


def test_port_search_covers_the_ephemeral_range():
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert struct.unpack("HH", module._port_range()) == (low, high)


def test_readable_neither_consumes_nor_blocks():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    assert not module.readable(ours)
    theirs.send(b"x")
    assert module.readable(ours)
    assert ours.recv(10) == b"x"
    theirs.close()
    assert module.readable(ours)  # its end
    ours.close()
    assert module.readable(ours)  # an error


def options(sock: socket.socket) -> tuple[int, ...]:
    tcp = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_USER_TIMEOUT)
    return tuple(sock.getsockopt(socket.IPPROTO_TCP, option) for option in tcp)


@pytest.mark.parametrize(
    ("send_timeout", "seconds"),
    [(10.0, (10, 1, 20_000)), (60.0, (60, 6, 120_000)), (0.2, (1, 1, 2_000)), (86_400.0, (32_767, 3_277, 65_534_000))],
)
def test_kernel_ends_a_silent_connection_after_two_send_timeouts(send_timeout: float, seconds: tuple[int, ...]):
    with closing(open_socket(socket.AF_INET, None)) as sock:
        keep_alive(sock, send_timeout)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert options(sock) == seconds


def test_socket_is_bound_to_the_source_address():
    with closing(open_socket(socket.AF_INET, "127.0.0.2")) as sock:
        assert sock.getsockname()[0] == "127.0.0.2"
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
