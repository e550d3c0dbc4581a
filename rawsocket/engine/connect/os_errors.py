"""Maps an OSError of a socket to a named failure; errors of this machine and the network are logged, once per kind."""

import errno
import logging
import ssl
import time

from rawsocket.engine.connect import conntrack
from rawsocket.engine.tls import reasons
from rawsocket.errors import ConnectTimeout, GeneratorLimit, RawSocketError, Refused, Reset, TlsFailed

RESET = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})
MOST_LOGGED = 100  # kinds; a detail may hold what differs each time
LOOK_S = 1.0  # between two looks at the connection-tracking table: many connects time out at once
MOST = "net.netfilter.nf_conntrack_max"
# The ordinary answer of a port without a listener: not worth a log line.
ORDINARY = frozenset({errno.ECONNREFUSED})
# What this machine or process has none left of, and what to do about it.
SHORTAGES = {
    errno.EADDRNOTAVAIL: "this machine has no source port left towards that address: set SOURCES to more addresses, "
    "or use more workers",
    errno.EMFILE: "this process has no descriptor left: use more workers, or raise the hard limit",
    errno.ENFILE: "this machine has no descriptor left",
    errno.ENOBUFS: "this machine has no memory left for sockets: lower USERS, or use more machines",
    errno.ENOMEM: "this machine has no memory left: lower USERS, or use more machines",
}

log = logging.getLogger(__name__)


class ConnectErrors:
    """Names errors, and remembers which kinds were logged."""

    def __init__(self) -> None:
        self._logged: set[int | str] = set()
        self._full = ""  # what is said of the connection-tracking table
        self._looked_at = float("-inf")

    def failure(self, error: OSError, doing: str) -> RawSocketError:
        """Return the failure for the error of a connect: reset, connect-timeout, generator-limit or refused."""
        detail = f"{doing}: {error}"
        if error.errno in RESET:
            return Reset(detail)
        if error.errno == errno.ETIMEDOUT:
            return self.timed_out(detail)
        kind = GeneratorLimit if error.errno in SHORTAGES else Refused
        self.log_once(error, detail, kind)
        return kind(detail)

    def timed_out(self, detail: str) -> RawSocketError:
        """Return the failure of a connect without an answer: generator-limit if this machine's kernel dropped it."""
        if (now := time.perf_counter()) > self._looked_at + LOOK_S:
            self._looked_at, self._full = now, conntrack.full()
        if not self._full:
            return ConnectTimeout(detail)
        if "conntrack" not in self._logged:
            self._logged.add("conntrack")
            log.warning("%s: %s; wait some minutes, or raise %s (counted as generator-limit)", detail, self._full, MOST)
        return GeneratorLimit(f"{detail}: {self._full}")

    def log_once(self, error: OSError, detail: str, failure: type[RawSocketError] = Refused) -> None:
        """Log an error of this machine or the network, the first time that its kind occurs."""
        kind = error.errno or 0
        if kind in ORDINARY or kind in self._logged:
            return
        self._logged.add(kind)
        remedy = f"; {SHORTAGES[kind]}" if kind in SHORTAGES else ""
        log.warning("%s%s (counted as %s; further errors of this kind are not logged)", detail, remedy, failure.name)

    def tls_failed(self, failure: RawSocketError) -> RawSocketError:
        """Log the failure of a TLS handshake, the first time that its detail occurs; return it."""
        if isinstance(failure, TlsFailed) and failure.detail not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(failure.detail)
            log.warning("%s (counted as tls; further failures like this are not logged)", failure.detail)
        return failure


def stream_failure(error: OSError, doing: str) -> RawSocketError:
    """Return the failure for the error of a send or a read on an open connection: tls, generator-limit or reset."""
    if isinstance(error, ssl.SSLError):
        return reasons.failure(error, doing)
    detail = f"{doing}: {error}"
    return GeneratorLimit(detail) if error.errno in SHORTAGES else Reset(detail)
