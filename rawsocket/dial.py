"""Opening a TCP connection inside gevent's hub, and waiting for a socket.

Strategy: plain non-blocking `_socket` sockets with gevent's own watchers. gevent's socket objects cost
nine times as much memory, ask the kernel for its buffer size at each send, and resolve even a
numeric address through a thread pool.

Rules: a host name is resolved once per process, outside the hub's thread, and asked for again only
after a connect has failed and the answer is older than STALE_AFTER (a container that was replaced
has a new address). Its addresses are tried in order, and the one that answered last stands first. A wait ends at its
deadline on the monotonic clock, never before. What kept a connection from opening is named by the
one rule of errors.py; what points to this machine or the network is logged, once per kind.
"""

import _socket
import errno
import logging
import os
import time
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.hub import Waiter

from rawsocket.errors import ConnectTimeout, RawSocketError, Refused, Reset
from rawsocket.target import Target

READ, WRITE = 1, 2
STALE_AFTER = 10.0  # seconds

RESET = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})
# The ordinary answer of a port where nobody listens: not worth a log line.
ORDINARY = frozenset({errno.ECONNREFUSED})
HINTS = {
    errno.EADDRNOTAVAIL: "this machine has no source port left towards that address: use more workers",
    errno.EMFILE: "this process has no descriptor left: use more workers, or raise the hard limit",
    errno.ENFILE: "this machine has no descriptor left",
}

log = logging.getLogger(__name__)

Address = tuple[int, Any]  # address family, what connect() takes


@dataclass(slots=True)
class _Resolved:
    addresses: list[Address]
    at: float


_resolved: dict[Target, _Resolved] = {}
_resolving: dict[Target, Any] = {}  # the greenlet that asks, for all who want to know
_logged: set[int] = set()


def ready(watcher: Any, deadline: float) -> bool:
    """Wait until the watcher's socket is ready or `deadline` (of `time.perf_counter()`) has passed.

    True if it is ready. One greenlet, one timer, no exception: that is all a wait costs.
    """
    loop = gevent.get_hub().loop
    while True:
        seconds = deadline - time.perf_counter()
        waiter = Waiter()
        timer = loop.timer(max(0.0, seconds))
        try:
            watcher.start(waiter.switch, True)
            timer.start(waiter.switch, False)
            if waiter.get():
                return True
        finally:
            watcher.stop()
            timer.stop()
            timer.close()
        # The loop's clock lags behind when the process is busy, and may end a wait early.
        if time.perf_counter() >= deadline:
            return False


def dial(target: Target, timeout: float) -> _socket.socket:
    """A connected, non-blocking socket without Nagle's delay, within `timeout` seconds.

    Raises Refused, ConnectTimeout or Reset. A greenlet that is killed meanwhile leaves nothing open.
    """
    deadline = time.perf_counter() + timeout
    known = _resolve(target, deadline)
    failure: RawSocketError = Refused(f"{target} has no address")
    for address in known.addresses:
        try:
            sock = _connect(address, deadline)
        except RawSocketError as error:
            failure = error
            continue
        if address is not known.addresses[0]:
            known.addresses.remove(address)
            known.addresses.insert(0, address)
        return sock
    if time.perf_counter() - known.at > STALE_AFTER:
        _resolved.pop(target, None)
    raise failure


def named(error: OSError, doing: str) -> RawSocketError:
    """The failure that an OSError means on a connection: reset, or refused while connecting."""
    detail = f"{doing}: {error}"
    if error.errno in RESET:
        return Reset(detail)
    if error.errno == errno.ETIMEDOUT:
        return ConnectTimeout(detail)
    _log_once(error, detail)
    return Refused(detail)


def _connect(address: Address, deadline: float) -> _socket.socket:
    family, sockaddr = address
    try:
        sock = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
    except OSError as error:
        raise named(error, "socket") from None
    try:
        _finish(sock, sockaddr, deadline)
    except OSError as error:
        sock.close()
        raise named(error, f"connect to {sockaddr}") from None
    except BaseException:
        sock.close()
        raise
    return sock


def _finish(sock: _socket.socket, sockaddr: Any, deadline: float) -> None:
    sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    code = sock.connect_ex(sockaddr)
    if code in (errno.EINPROGRESS, errno.EINTR):
        watcher = gevent.get_hub().loop.io(sock.fileno(), WRITE)
        try:
            if not ready(watcher, deadline):
                raise ConnectTimeout(f"connect to {sockaddr}: no answer in time")
        finally:
            watcher.close()
        code = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    if sock.getsockname() == sock.getpeername():
        # TCP lets a socket connect to itself if its own port is the one it asks for: nobody listens there.
        raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens there (connected to itself)")


def _resolve(target: Target, deadline: float) -> _Resolved:
    known = _resolved.get(target)
    if known is None:
        known = _resolved[target] = _Resolved(_look_up(target, deadline), time.perf_counter())
    return known


def _look_up(target: Target, deadline: float) -> list[Address]:
    try:
        return _addresses(_socket.getaddrinfo, target, _socket.AI_NUMERICHOST)
    except (_socket.gaierror, UnicodeError):
        pass  # a name, then
    asking = _resolving.get(target)
    if asking is None:
        asking = _resolving[target] = gevent.spawn(_ask, target)
    asking.join(max(0.0, deadline - time.perf_counter()))
    if not asking.ready():
        raise ConnectTimeout(f"{target}: the name was not resolved in time")
    answer: list[Address] | OSError = asking.value
    if isinstance(answer, OSError):
        detail = f"{target}: the name can't be resolved: {answer}"
        _log_once(answer, detail)
        raise Refused(detail)
    return answer


def _ask(target: Target) -> list[Address] | OSError:
    try:
        return _addresses(gevent.get_hub().resolver.getaddrinfo, target, 0)
    except OSError as error:
        return error
    except UnicodeError as error:
        return OSError(errno.EINVAL, str(error))
    finally:
        del _resolving[target]


def _addresses(getaddrinfo: Any, target: Target, flags: int) -> list[Address]:
    found = getaddrinfo(target.host, target.port, 0, _socket.SOCK_STREAM, _socket.IPPROTO_TCP, flags)
    return [(family, sockaddr) for family, _, _, _, sockaddr in found]


def _log_once(error: OSError, detail: str) -> None:
    kind = error.errno or 0
    if kind in ORDINARY or kind in _logged:
        return
    _logged.add(kind)
    hint = HINTS.get(kind)
    log.warning("%s%s (counted as refused; further ones are not logged)", detail, f"; {hint}" if hint else "")
