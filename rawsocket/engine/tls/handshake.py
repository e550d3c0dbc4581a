"""A TLS handshake on the reactor, on a TCP connection that is open: at its connect, or later (STARTTLS)."""

import _socket
import time
from collections.abc import Callable
from typing import Any

from rawsocket.engine.connect.os_errors import stream_failure
from rawsocket.engine.reactor import READABLE, WRITABLE, Reactor
from rawsocket.engine.tls import reasons
from rawsocket.engine.tls.context import ClientContext
from rawsocket.engine.tls.records import Records
from rawsocket.engine.tls.tls_socket import TlsSocket
from rawsocket.errors import ConnectTimeout, RawSocketError, TlsFailed

NEVER = float("inf")
DOING = "TLS handshake"

Done = Callable[[TlsSocket], None]
Failed = Callable[[RawSocketError], None]


class Handshake:
    """One handshake; it is the handler of the socket's descriptor while it goes on. `owner`: that of the connection.

    After begin(), it calls `done` with the encrypting socket (in place of `sock`, still watched: take it over), or
    `failed`, exactly one of them and once, and never before begin() has returned. A failure that is known at once is
    raised by begin() instead. After a failure, and to give up, the caller unwatches and closes `sock`. Failures:
    TlsFailed, Reset, ConnectTimeout, GeneratorLimit. `deadline` is of `time.perf_counter()`.
    """

    __slots__ = ("_done", "_failed", "_heard", "_reactor", "_records", "_sock", "_tls", "deadline", "owner", "started")

    def __init__(
        self,
        reactor: Reactor,
        owner: Any,
        sock: _socket.socket,
        context: ClientContext,
        host: str,
        deadline: float,
        done: Done,
        failed: Failed,
    ) -> None:
        self._reactor = reactor
        self.owner = owner
        self._sock = sock
        self._tls = TlsSocket(sock, context, host)
        self._records = Records()
        self._heard = False
        self._done = done
        self._failed = failed
        self.deadline = deadline
        self.started = time.perf_counter()

    def begin(self, received: bytes = b"") -> None:
        """Send the first message. `received`: bytes that have been read from the socket but belong to TLS."""
        try:
            self._tls.handshake(received)
        except OSError as error:
            raise self._failure(error) from None
        self._watch()

    def on_ready(self, events: int) -> None:
        """Read what the server has sent, and answer it."""
        try:
            complete = self._advance()
        except BlockingIOError:
            self._watch()
            return
        except RawSocketError as failure:
            self._fail(failure)
            return
        except OSError as error:
            self._fail(self._failure(error))
            return
        if complete:
            self.deadline = NEVER
            self._done(self._tls)

    def overdue(self, now: float) -> None:
        """Fail: the deadline has passed."""
        heard = "the server did not finish" if self._heard else "the server did not answer: does it speak TLS here?"
        self._fail(ConnectTimeout(f"{DOING}: {heard}"))

    def _advance(self) -> bool:
        """Read and answer until the handshake is complete. Raises BlockingIOError while there is nothing to read."""
        tls, records = self._tls, self._records
        if not tls.is_flushed:
            tls.flush()
        while True:
            data = self._sock.recv(records.left)
            if not data:
                raise TlsFailed(f"{DOING}: the server closed the connection; {reasons.CLOSED}")
            records.add(data)
            # OpenSSL finds out by the first header whether this is TLS at all.
            if tls.handshake(data):
                return True
            self._heard = True

    def _watch(self) -> None:
        events = READABLE if self._tls.is_flushed else READABLE | WRITABLE
        self._reactor.take_over(self._sock.fileno(), self, events)

    def _fail(self, failure: RawSocketError) -> None:
        self.deadline = NEVER
        self._failed(failure)

    def _failure(self, error: OSError) -> RawSocketError:
        return stream_failure(error, DOING)
