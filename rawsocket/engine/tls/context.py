"""The `ssl` contexts of a process: one for each different Tls, made when it is first used, and kept.

Strategy: a context takes milliseconds and up to a megabyte (the system's certificates), so connections share it. Users
with certificates of their own have a context each. A file that has changed since, makes a new context.

Resumption: the session of a connection that ends is kept, and the next connect takes it. So a user that reconnects
resumes a session, as a client with a memory of its own would, and no session is used twice.
"""

import functools
import ssl
from collections import deque
from pathlib import Path
from typing import Any

from rawsocket.engine.tls.configuration import Tls

SESSIONS = 10_000  # kept sessions, some 2 KB each
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class ClientContext:
    """What the connections with the same Tls share. Raises ValueError if a file can't be used."""

    def __init__(self, tls: Tls) -> None:
        self.ssl = _context(tls)
        self._resume = tls.resume
        self._name = tls.name
        self._sessions: deque[Any] = deque(maxlen=SESSIONS)

    def wrap(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, host: str) -> ssl.SSLObject:
        """Return a new TLS connection to `host` between two buffers."""
        session = self._sessions.popleft() if self._sessions else None
        return self.ssl.wrap_bio(incoming, outgoing, server_hostname=self._name or host, session=session)

    def ended(self, connection: ssl.SSLObject) -> None:
        """Keep the session of a connection that ends, if sessions are resumed."""
        if self._resume and (session := connection.session) is not None:
            self._sessions.append(session)


def context_for(tls: Tls) -> ClientContext:
    """Return the context for these settings. Raises ValueError with one line if a file can't be used."""
    return _cached(tls, tuple(_stamp(path) for path in (tls.ca, tls.cert, tls.key)))


@functools.cache
def _cached(tls: Tls, stamps: tuple[Any, ...]) -> ClientContext:
    return ClientContext(tls)


def _stamp(path: str | None) -> tuple[int, int] | None:
    try:
        found = Path(path).stat() if path else None
    except OSError:
        return None
    return found and (found.st_mtime_ns, found.st_size)


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = VERSIONS[tls.minimum]
    context.options |= ssl.OP_NO_RENEGOTIATION  # a connection's writes never have to wait for a read
    if tls.verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca:
        _load("TLS_CA", tls.ca, lambda: context.load_verify_locations(tls.ca))
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if tls.cert:
        files = tls.cert, tls.key
        named = " with ".join(filter(None, files))
        _load("TLS_CERT", named, lambda: context.load_cert_chain(*files, password=_no_password))
    if tls.alpn:
        context.set_alpn_protocols(list(tls.alpn))
    return context


def _load(setting: str, path: str, load: Any) -> None:
    try:
        load()
    except FileNotFoundError:
        raise ValueError(f"{setting}={path}: no such file; give a path that exists where the worker runs") from None
    except ssl.SSLError as error:
        # OpenSSL gives no reason for a file without the part in PEM that it looks for.
        found = (error.reason or "no certificate, or no key with it").lower().replace("_", " ")
        raise ValueError(f"{setting}={path}: {found}; expected PEM files that belong together") from None
    except OSError as error:
        raise ValueError(f"{setting}={path}: {error.strerror}") from None


def _no_password() -> str:
    raise ValueError("the key of the client certificate is encrypted; expected a key without a password")
