"""Maps an OSError of a connect to a named failure; errors of this machine are logged, once per kind."""

import errno
import logging

from rawsocket.errors import ConnectTimeout, RawSocketError, Refused, Reset

RESET = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE})
# The ordinary answer of a port without a listener: not worth a log line.
ORDINARY = frozenset({errno.ECONNREFUSED})
HINTS = {
    errno.EADDRNOTAVAIL: "this machine has no source port left towards that address: use more workers",
    errno.EMFILE: "this process has no descriptor left: use more workers, or raise the hard limit",
    errno.ENFILE: "this machine has no descriptor left",
}

log = logging.getLogger(__name__)


class ConnectErrors:
    """Names errors, and remembers which kinds were logged."""

    def __init__(self) -> None:
        self._logged: set[int] = set()

    def failure(self, error: OSError, doing: str) -> RawSocketError:
        """Return the failure for the error: reset, connect-timeout or refused."""
        detail = f"{doing}: {error}"
        if error.errno in RESET:
            return Reset(detail)
        if error.errno == errno.ETIMEDOUT:
            return ConnectTimeout(detail)
        self.log_once(error, detail)
        return Refused(detail)

    def log_once(self, error: OSError, detail: str) -> None:
        """Log an error of this machine or the network, the first time that its kind occurs."""
        kind = error.errno or 0
        if kind in ORDINARY or kind in self._logged:
            return
        self._logged.add(kind)
        hint = HINTS.get(kind)
        log.warning(
            "%s%s (counted as refused; further errors of this kind are not logged)", detail, f"; {hint}" if hint else ""
        )
