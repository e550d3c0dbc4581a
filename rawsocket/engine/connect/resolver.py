"""The addresses of targets. A name is resolved outside the hub's thread, once, and again only when it seems outdated.

Rules: the addresses of a name are tried in order, and the one that answered last comes first. A name is resolved again
only after a connect has failed and the answer is older than STALE_AFTER: a container that was replaced has a new
address. All callers that need the same name at the same time share one query.
"""

import _socket
import contextlib
import errno
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gevent

from rawsocket.engine.connect.os_errors import ConnectErrors
from rawsocket.errors import ConnectTimeout, RawSocketError, Refused
from rawsocket.target import Target

STALE_AFTER = 10.0  # seconds

Address = tuple[int, Any]  # address family, what connect() takes


@dataclass(slots=True)
class Answer:
    """The addresses of one target, and when (of `time.perf_counter()`) they were looked up."""

    addresses: list[Address]
    at: float


class Resolver:
    """Resolves targets and remembers their addresses."""

    def __init__(self, errors: ConnectErrors) -> None:
        self._errors = errors
        self._answers: dict[Target, Answer] = {}
        self._queries: dict[Target, Any] = {}  # the greenlet that resolves, shared by all callers

    def resolve(self, target: Target, deadline: float) -> None:
        """Wait until the target's addresses are known, up to `deadline` (of `time.perf_counter()`).

        Raises ConnectTimeout or Refused. Blocks the greenlet.
        """
        if self._known(target) is not None:
            return
        query = self._query(target)
        query.join(max(0.0, deadline - time.perf_counter()))
        if not query.ready():
            raise ConnectTimeout(f"{target}: the name was not resolved in time")
        if isinstance(query.value, Refused):
            raise Refused(query.value.detail)  # a new exception for each caller

    def prepare(self, target: Target, timeout: float) -> None:
        """Resolve the target for later, waiting up to `timeout` seconds; a later connect reports the failure."""
        with contextlib.suppress(RawSocketError):
            self.resolve(target, time.perf_counter() + timeout)

    def addresses(self, target: Target) -> Sequence[Address]:
        """Return the target's known addresses; never waits. Starts a query and raises Refused if there are none yet."""
        answer = self._known(target)
        if answer is None:
            self._query(target)
            raise Refused(f"{target}: the name is not resolved yet")
        return answer.addresses

    def succeeded(self, target: Target, address: Address) -> None:
        """Move this address to the front: it answered."""
        addresses = self._answers[target].addresses if target in self._answers else []
        if address in addresses and address is not addresses[0]:
            addresses.remove(address)
            addresses.insert(0, address)

    def failed(self, target: Target) -> None:
        """Resolve the target again in the background if its addresses are old; none of them answered."""
        answer = self._answers.get(target)
        if answer is not None and time.perf_counter() - answer.at > STALE_AFTER:
            answer.at = time.perf_counter()
            self._query(target)

    def _known(self, target: Target) -> Answer | None:
        return self._answers.get(target) or self._numeric(target)

    def _numeric(self, target: Target) -> Answer | None:
        """Return the answer for a target that is an address itself; None for a name."""
        try:
            addresses = _addresses(_socket.getaddrinfo, target, _socket.AI_NUMERICHOST)
        except (_socket.gaierror, UnicodeError):
            return None
        return self._answers.setdefault(target, Answer(addresses, time.perf_counter()))

    def _query(self, target: Target) -> Any:
        """Return the greenlet that resolves the name. Its value is the Answer, or a Refused with the reason."""
        if target not in self._queries:
            self._queries[target] = gevent.spawn(self._run_query, target)
        return self._queries[target]

    def _run_query(self, target: Target) -> Answer | Refused:
        try:
            found = _ask(target)
        finally:
            self._queries.pop(target, None)
        if isinstance(found, OSError):
            detail = f"{target}: the name can't be resolved: {found}"
            self._errors.log_once(found, detail)
            return Refused(detail)
        answer = self._answers[target] = Answer(found, time.perf_counter())
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
