"""Opening a TCP connection inside gevent's hub, and waiting for a socket.

Strategy: plain non-blocking `_socket` sockets with gevent's own watchers. gevent's socket objects cost
nine times as much memory, ask the kernel for its buffer size at each send, and resolve even a
numeric address through a thread pool.

Rules: a host name is resolved once per process, outside the hub's thread, and asked for again only
after a connect has failed and the answer is older than STALE_AFTER (a container that was replaced
has a new address). Its addresses are tried in order, and the one that answered last stands first. A wait ends at its
deadline on the monotonic clock, never before. What kept a connection from opening is named by the
one rule of errors.py; what points to this machine or the network is logged, once per kind.

Source ports: `connect()` alone searches one half of the port range first and the rest port by port, which blocks for
milliseconds each once some 14,000 connections to one target are open; a socket that is told the whole range itself
(IP_LOCAL_PORT_RANGE, Linux 6.3 and later) doesn't. Where SOURCES names addresses, sockets are bound to them in turn,
each with a range of its own; IP_BIND_ADDRESS_NO_PORT leaves the port to connect(), which then may use one again that
is taken towards another target.
"""

import _socket
import contextlib
import errno
import functools
import itertools
import logging
import os
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent
from gevent.hub import Waiter

from rawsocket.errors import ConnectTimeout, RawSocketError, Refused, Reset
from rawsocket.target import Target

READ, WRITE = 1, 2
IP_BIND_ADDRESS_NO_PORT, IP_LOCAL_PORT_RANGE = 24, 51  # linux/in.h; Python has no names for them
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
_sources: list[tuple[int, str]] = []  # (address family, address) that sockets are bound to
_turn = itertools.count()


def readable(sock: _socket.socket) -> bool:
    """Whether something is there to be read, an end or an error included; never waits, takes nothing."""
    try:
        sock.recv(1, _socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        pass  # reading will tell
    return True


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
        answered(target, address)
        return sock
    if time.perf_counter() - known.at > STALE_AFTER:
        _resolved.pop(target, None)
    raise failure


def resolve(target: Target, timeout: float) -> None:
    """Have the target's name resolved, waiting up to `timeout` seconds; a failure is told by who connects later."""
    with contextlib.suppress(RawSocketError):
        _resolve(target, time.perf_counter() + timeout)


def known(target: Target) -> Sequence[Address]:
    """The target's addresses as far as they are known; never waits. Raises Refused where they aren't, and asks."""
    found = _resolved.get(target) or _numeric(target)
    if found is None:
        ask_again(target)
        raise Refused(f"{target}: the name is not resolved yet")
    return found.addresses


def answered(target: Target, address: Address) -> None:
    """Put the address that answered first."""
    addresses = _resolved[target].addresses if target in _resolved else []
    if address in addresses and address is not addresses[0]:
        addresses.remove(address)
        addresses.insert(0, address)


def doubt(target: Target) -> None:
    """None of its addresses answered: ask again, beside the load, if what is known is old."""
    found = _resolved.get(target)
    if found is not None and time.perf_counter() - found.at > STALE_AFTER:
        found.at = time.perf_counter()
        ask_again(target)


def ask_again(target: Target) -> Any:
    """The greenlet that resolves the name, for all who want to know; a good answer replaces what is known.

    Its value is the answer, or the Refused that says why there is none.
    """
    if target not in _resolving:
        _resolving[target] = gevent.spawn(_learn, target)
    return _resolving[target]


def _learn(target: Target) -> _Resolved | Refused:
    try:
        answer = _ask(target)
    finally:
        _resolving.pop(target, None)
    if isinstance(answer, OSError):
        detail = f"{target}: the name can't be resolved: {answer}"
        _log_once(answer, detail)
        return Refused(detail)
    _resolved[target] = _Resolved(answer, time.perf_counter())
    return _resolved[target]


def bind_to(sources: Sequence[str]) -> None:
    """From now on bind every socket to one of these addresses, in turn; none: to what the kernel chooses."""
    _sources[:] = [(_socket.AF_INET6 if ":" in source else _socket.AF_INET, source) for source in sources]


def open_socket(family: int) -> _socket.socket:
    """A non-blocking TCP socket without Nagle's delay, bound where SOURCES says so. Raises OSError."""
    sock = _socket.socket(family, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):  # before Linux 6.3
            sock.setsockopt(_socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, _port_range())
        _bind(sock, family)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: _socket.socket, family: int) -> None:
    mine = [source for kind, source in _sources if kind == family]
    if mine:
        sock.setsockopt(_socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((mine[next(_turn) % len(mine)], 0))


@functools.cache
def _port_range() -> bytes:
    """The whole range of source ports, as IP_LOCAL_PORT_RANGE takes it: the upper bound in the high half."""
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    return struct.pack("I", high << 16 | low)


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
        sock = open_socket(family)
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
    code = sock.connect_ex(sockaddr)
    if code in (errno.EINPROGRESS, errno.EINTR):
        watcher = gevent.get_hub().loop.io(sock.fileno(), WRITE)
        try:
            if not ready(watcher, deadline):
                raise ConnectTimeout(f"connect to {sockaddr}: no answer in time")
        finally:
            watcher.close()
        code = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    check(sock, code)


def check(sock: _socket.socket, code: int) -> None:
    """Raise the OSError that says why a connect which has ended with `code` has failed, if it has."""
    if code:
        raise OSError(code, os.strerror(code))
    if sock.getsockname() == sock.getpeername():
        # TCP lets a socket connect to itself if its own port is the one it asks for: nobody listens there.
        raise ConnectionRefusedError(errno.ECONNREFUSED, "nobody listens there (connected to itself)")


def _resolve(target: Target, deadline: float) -> _Resolved:
    return _resolved.get(target) or _numeric(target) or _look_up(target, deadline)


def _numeric(target: Target) -> _Resolved | None:
    """What is known of a target that is an address itself; None for a name."""
    try:
        addresses = _addresses(_socket.getaddrinfo, target, _socket.AI_NUMERICHOST)
    except (_socket.gaierror, UnicodeError):
        return None
    return _resolved.setdefault(target, _Resolved(addresses, time.perf_counter()))


def _look_up(target: Target, deadline: float) -> _Resolved:
    asking = ask_again(target)
    asking.join(max(0.0, deadline - time.perf_counter()))
    if not asking.ready():
        raise ConnectTimeout(f"{target}: the name was not resolved in time")
    answer: _Resolved | Refused = asking.value
    if isinstance(answer, Refused):
        raise Refused(answer.detail)  # each who asked has one of its own
    return answer


def _ask(target: Target) -> list[Address] | OSError:
    try:
        return _addresses(gevent.get_hub().resolver.getaddrinfo, target, 0)
    except OSError as error:
        return error
    except UnicodeError as error:
        return OSError(errno.EINVAL, str(error))


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
