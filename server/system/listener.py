"""Listening sockets, and the TCP options of what they accept.

Strategy: on Linux an accepted socket inherits TCP_NODELAY, SO_KEEPALIVE and the rest from its listener (tcp(7)), so
they are set once here and cost nothing for each connection.
"""

from __future__ import annotations

import errno
import socket
import struct

from server.settings import UsageError

#: A silent peer is probed after a minute, then every ten seconds. NATs and load balancers drop silent connections after
#: 60 to 350 s, and a crashed client is noticed within a minute and a half.
KEEPALIVE_IDLE = 60
KEEPALIVE_INTERVAL = 10
KEEPALIVE_PROBES = 3

#: Milliseconds that sent data may stay unacknowledged, or a peer's window closed, before the kernel gives the peer up
#: (TCP_USER_TIMEOUT, RFC 5482). This is what ends a client that takes none of its replies, where no idle time is set.
USER_TIMEOUT_MS = 30_000


#: Where Linux puts the length of a listening socket's queue: tcpi_unacked of struct tcp_info (tcp_get_info in tcp.c).
_INFO = struct.Struct("=24xI")


def listen(host: str, port: int, backlog: int, flag: str) -> socket.socket:
    """Return a listening, non-blocking socket; port 0 gets a free one. `UsageError` names `flag` where that fails."""
    family, address = _resolve(host, port, flag)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(backlog)
    except OSError as problem:
        listener.close()
        raise UsageError(_explain(problem, host, port, flag)) from None
    listener.setblocking(False)
    return listener


def prepare_for_peers(listener: socket.socket) -> None:
    """Set the options that every accepted connection is to inherit."""
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


def waiting(listener: socket.socket) -> int | None:
    """Return how many connections are ready to be accepted; None where the kernel doesn't say, or `listener` is closed.

    Safe to call from another thread. Those that the queue had no room for are not among them.
    """
    try:
        return int(_INFO.unpack(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size))[0])
    except (OSError, struct.error):
        return None


def shown(listener: socket.socket) -> str:
    """Return the real address of `listener` as `host:port`, `[host]:port` for IPv6."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _resolve(host: str, port: int, flag: str) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as problem:  # UnicodeError: not a name at all, such as `a..b`.
        why = problem.strerror if isinstance(problem, OSError) else "not a host name"
        raise UsageError(f"--{flag}host {host}: no such host ({why}); name an address of this machine") from None
    family, _, _, _, address = found[0]
    return family, address


def _explain(problem: OSError, host: str, port: int, flag: str) -> str:
    place = f"can't listen on {host} port {port}"
    if problem.errno == errno.EADDRINUSE:
        return f"{place}: it is in use; end what listens there or choose another with --{flag}port"
    if problem.errno == errno.EACCES:
        return f"{place}: not allowed; choose a port from 1024 up with --{flag}port"
    if problem.errno == errno.EADDRNOTAVAIL:
        return f"{place}: not an address of this machine; choose one that is with --{flag}host"
    return f"{place}: {problem.strerror}; choose others with --{flag}host and --{flag}port"
