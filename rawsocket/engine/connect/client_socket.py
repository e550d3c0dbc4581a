"""The kernel's socket of a connection: how it is opened, checked and kept alive.

Source ports: `connect()` alone searches one half of the port range first and the rest port by port, which blocks for
milliseconds each once some 14,000 connections to one target are open. A socket that has the whole range as its own
(IP_LOCAL_PORT_RANGE, Linux 6.3 and later) avoids that. If SOURCES names addresses, sockets are bound to them in
turn, each with a range of its own; IP_BIND_ADDRESS_NO_PORT leaves the port to connect(), which may then use a port
that is taken towards another target.

Dead paths: a connection on which nothing is sent would never notice that the path to the server is cut. So the kernel
asks the server's kernel (TCP keepalive) after a silence of one send timeout, ten times in the time of another, and ends
the connection if nothing has come for two send timeouts (TCP_USER_TIMEOUT, tcp(7)). That is longer than a send may
wait, because the kernel counts the time in which the server takes no bytes as well: `send-timeout` comes first.
"""

import _socket
import contextlib
import errno
import functools
import os
import struct
from pathlib import Path

IP_BIND_ADDRESS_NO_PORT, IP_LOCAL_PORT_RANGE = 24, 51  # linux/in.h; Python has no names for them
TCP_SYN_SENT = 2  # a state of tcp(7), the first byte of its TCP_INFO
MOST_SECONDS = 32_767  # of a time of tcp(7)
PROBES = 10  # in one send timeout


def open_socket(family: int, source: str | None) -> _socket.socket:
    """Return a non-blocking TCP socket without Nagle's delay, bound to a source address. Raises OSError."""
    sock = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # before Linux 6.3
            sock.setsockopt(_socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, _port_range())
        if source is not None:
            sock.setsockopt(_socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
    except BaseException:
        sock.close()
        raise
    return sock


def keep_alive(sock: _socket.socket, send_timeout: float) -> None:
    """Let the kernel end a connection whose path is dead, within some two send timeouts (seconds)."""
    idle, interval, limit_ms = _keepalive(send_timeout)
    sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 1)
    sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_KEEPIDLE, idle)
    sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_KEEPINTVL, interval)
    sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_USER_TIMEOUT, limit_ms)


@functools.lru_cache
def _keepalive(send_timeout: float) -> tuple[int, int, int]:
    """Return the silence before the first question and the time between two, in seconds, and the limit in ms."""
    idle = min(MOST_SECONDS, max(1, round(send_timeout)))
    return idle, max(1, round(idle / PROBES)), round(2000 * max(1.0, min(MOST_SECONDS, send_timeout)))


def is_connecting(sock: _socket.socket) -> bool:
    """Return whether the kernel has no result of the connect yet. Raises OSError."""
    return sock.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, 1)[0] == TCP_SYN_SENT


def check(sock: _socket.socket, code: int) -> None:
    """Raise the OSError that says why a connect that ended with `code` has failed, if it has."""
    if code:
        raise OSError(code, os.strerror(code))
    if sock.getsockname() == sock.getpeername():
        # TCP lets a socket connect to itself if source port and target port are the same: no server listens there.
        raise ConnectionRefusedError(errno.ECONNREFUSED, "no server listens there (connected to itself)")


def readable(sock: _socket.socket) -> bool:
    """Return whether a read would return data, the end or an error; never waits and consumes nothing."""
    try:
        sock.recv(1, _socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        pass  # the next read reports it
    return True


@functools.cache
def _port_range() -> bytes:
    """Return the whole range of source ports, as IP_LOCAL_PORT_RANGE takes it: the upper bound in the high half."""
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    return struct.pack("I", high << 16 | low)
