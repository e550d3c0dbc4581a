"""Listening sockets, and the TCP options of the connections that they accept.

Strategy: on Linux an accepted socket inherits TCP_NODELAY, SO_KEEPALIVE and the like from its listener (tcp(7)). They
are set once here and cost nothing per connection.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import Protocol

from server.settings import UsageError

#: The kernel probes a silent peer after a minute, then every ten seconds. NATs and load balancers drop silent
#: connections after 60 to 350 s; a crashed client is noticed within a minute and a half.
KEEPALIVE_IDLE = 60
KEEPALIVE_INTERVAL = 10
KEEPALIVE_PROBES = 3

#: Milliseconds that sent data may stay unacknowledged, or a peer's window closed, before the kernel gives the peer up
#: (TCP_USER_TIMEOUT, RFC 5482). It ends a client that never reads its replies, where no idle timeout is set.
USER_TIMEOUT_MS = 30_000

#: Where Linux puts the length of a listener's accept queue: tcpi_unacked of struct tcp_info (tcp_get_info in tcp.c).
_TCP_INFO = struct.Struct("=24xI")


class _HasPeer(Protocol):
    """A socket, or TLS over one."""

    def getpeername(self) -> object: ...


def listen(host: str, port: int, backlog: int, flag: str) -> socket.socket:
    """Return a listening, non-blocking socket; port 0 picks a free one. `flag` is the prefix of the flags to blame.

    Raise `UsageError`, which names those flags, where that fails.
    """
    family, address = _resolve(host, port, flag)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        raise UsageError(_explain(error, host, port, flag)) from None
    listener.setblocking(False)
    return listener


def set_inherited_options(listener: socket.socket) -> None:
    """Set the options that every accepted connection inherits."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


def backlog_length(listener: socket.socket) -> int | None:
    """Return how many connections are ready to be accepted; None if the kernel doesn't say or `listener` is closed.

    Safe to call from another thread. Connections that the full queue dropped are not included.
    """
    try:
        return int(_TCP_INFO.unpack(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size))[0])
    except (OSError, struct.error):
        return None


def format_address(listener: socket.socket) -> str:
    """Return the actual address of `listener` as `host:port`, `[host]:port` for IPv6."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def peer_address(sock: _HasPeer) -> object:
    """Return the address of the other end, for a log line; it may be gone."""
    try:
        return sock.getpeername()
    except OSError:
        return "an unknown address"


def _resolve(host: str, port: int, flag: str) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:  # UnicodeError: not a valid name at all, such as `a..b`.
        why = error.strerror if isinstance(error, OSError) else "not a host name"
        raise UsageError(f"--{flag}host {host}: no such host ({why}); name an address of this machine") from None
    family, _, _, _, address = found[0]
    return family, address


def _explain(error: OSError, host: str, port: int, flag: str) -> str:
    where = f"can't listen on {host} port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: the port is in use; stop what listens there or choose another port with --{flag}port"
    if error.errno == errno.EACCES:
        return f"{where}: not allowed; choose a port from 1024 up with --{flag}port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{where}: not an address of this machine; choose one with --{flag}host"
    return f"{where}: {error.strerror}; choose another address with --{flag}host and --{flag}port"
