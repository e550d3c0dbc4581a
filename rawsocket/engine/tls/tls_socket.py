"""`TlsSocket`: a socket that encrypts. It has what a connection uses of a socket, with the same meaning.

Strategy: OpenSSL works between two buffers in memory (`SSLContext.wrap_bio`), and this object moves the ciphertext
between them and the kernel. So nothing else has to know of TLS. Rules:

- `recv` returns all plaintext that one read of the kernel's socket brought, at most as much as that; b"" at the end, be
  it TLS's close_notify or the end of the TCP stream. It raises BlockingIOError if there is no plaintext yet.
- `send` encrypts record by record. If the kernel does not take a whole record, its bytes don't count as sent:
  BlockingIOError, or the number of bytes before it. The caller sends the same bytes again later, as with any socket;
  they are not encrypted twice.
- An error of TLS is an `ssl.SSLError`, which is an OSError. Plaintext that came before it is returned first.
- What OpenSSL wants to write after a read (alerts, answers to key updates) is sent at once.
- `close` sends close_notify, unless SO_LINGER was set: then the connection is reset.

Memory: OpenSSL's buffers in memory never shrink, so they get little at a time. The handshake, and each message of TLS's
own after it (TLS 1.3 sends two tickets), makes OpenSSL allocate 16 KB to write from, which it keeps until the next
write. A write of nothing frees them.
"""

import _socket
import contextlib
import ssl
from typing import Any

from rawsocket.engine.tls.context import ClientContext

FEED = 4096  # bytes of ciphertext given to OpenSSL at a time
OVERHEAD = 64  # more bytes than what a record adds to its plaintext: the read brought messages of TLS's own, too
RECORD = 16_384  # bytes of plaintext in a record at most
NOTHING = b""


class TlsSocket:
    """See the module's rules. `sock` is a connected non-blocking socket, which this object closes."""

    __slots__ = ("_context", "_encrypted", "_end", "_incoming", "_notifies", "_outgoing", "_sock", "_ssl", "_unsent")

    def __init__(self, sock: _socket.socket, context: ClientContext, host: str) -> None:
        self._sock = sock
        self._context = context
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap(self._incoming, self._outgoing, host)
        self._unsent = NOTHING  # ciphertext that the kernel has not taken
        self._encrypted = 0  # bytes of plaintext that are in `unsent`, and so at the beginning of the next send
        self._end: ssl.SSLError | bytes | None = None  # what the next recv raises or returns
        self._notifies = False  # whether close() sends close_notify: after the handshake, and before the end

    # -- its state ----------------------------------------------------------------------------------------------

    @property
    def version(self) -> str | None:
        """The version of TLS, such as TLSv1.3; None before the handshake."""
        return self._ssl.version()

    @property
    def alpn(self) -> str | None:
        """The protocol that the server chose of those offered."""
        return self._ssl.selected_alpn_protocol()

    @property
    def resumed(self) -> bool:
        """Whether the handshake resumed the session of an earlier connection."""
        return bool(self._ssl.session_reused)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._sock.fileno()

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        """Set an option of the kernel's socket."""
        if (level, option) == (_socket.SOL_SOCKET, _socket.SO_LINGER):
            self._notifies = False
        self._sock.setsockopt(level, option, value)

    def getsockopt(self, *which: int) -> Any:
        """Return an option of the kernel's socket."""
        return self._sock.getsockopt(*which)

    # -- the handshake ------------------------------------------------------------------------------------------

    def handshake(self, data: bytes = b"") -> bool:
        """Go on with the handshake, with more bytes from the server; return whether it is complete. Raises OSError."""
        if data:
            self._incoming.write(data)
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            self.flush()
            return False
        except ssl.SSLError:
            with contextlib.suppress(OSError):
                self.flush()  # tells the server why
            raise
        self._notifies = True
        self._free_write_buffer()
        self.flush()
        return True

    @property
    def is_flushed(self) -> bool:
        """Whether the kernel has taken all ciphertext."""
        return not self._unsent

    # -- sending ------------------------------------------------------------------------------------------------

    def send(self, data: Any) -> int:
        """Send the beginning of `data` (any buffer) and return its length; see the rules. Raises OSError."""
        sent, self._encrypted = self._sent_before(), 0
        size = len(data)
        while sent < size:
            record = self._ssl.write(data if size <= RECORD and not sent else memoryview(data)[sent : sent + RECORD])
            if not self.flush():
                self._encrypted = record
                if not sent:
                    raise BlockingIOError
                break
            sent += record
        return sent

    def _sent_before(self) -> int:
        """Send what is left of an earlier send; return how many bytes of the next one that was."""
        if self._unsent and not self.flush():
            raise BlockingIOError
        return self._encrypted

    def flush(self) -> bool:
        """Send ciphertext; return whether the kernel took all of it. Raises OSError."""
        data = self._unsent or self._outgoing.read()
        while data:
            try:
                taken = self._sock.send(data)
            except BlockingIOError:
                taken = 0
            if taken < len(data):
                self._unsent = data[taken:]
                return False
            data = self._outgoing.read()
        self._unsent = NOTHING
        return True

    # -- receiving ----------------------------------------------------------------------------------------------

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return plaintext; see the rules. With flags, they apply to the ciphertext (MSG_PEEK: has anything come?)."""
        if self._end is not None:
            return self._ended()
        data = self._sock.recv(size, flags)
        if flags or not data:
            return data
        plain = self._decrypt(data)
        if plain:
            if self._end is not None:
                self._sock.shutdown(_socket.SHUT_RD)  # so that the reactor has it read once more
            return plain
        if self._end is not None:
            return self._ended()
        raise BlockingIOError

    def _ended(self) -> bytes:
        end = self._end
        if isinstance(end, ssl.SSLError):
            raise end
        return NOTHING

    def _decrypt(self, data: bytes) -> bytes:
        plain = self._feed(data) if len(data) <= FEED else NOTHING.join(self._in_parts(data))
        if len(data) - len(plain) > OVERHEAD and self._end is None:
            self._free_write_buffer()
        if self._outgoing.pending:
            with contextlib.suppress(OSError):
                self.flush()
        return plain

    def _free_write_buffer(self) -> None:
        with contextlib.suppress(ssl.SSLError):
            self._ssl.write(NOTHING)  # no record is made of it

    def _in_parts(self, data: bytes) -> list[bytes]:
        parts = []
        for at in range(0, len(data), FEED):
            parts.append(self._feed(data[at : at + FEED]))
            if self._end is not None:
                break
        return parts

    def _feed(self, data: bytes) -> bytes:
        """Give ciphertext to OpenSSL and return all plaintext that is complete; note the end, if it is there."""
        incoming, connection, plain = self._incoming, self._ssl, NOTHING
        incoming.write(data)
        try:
            while incoming.pending:
                part = connection.read(RECORD)
                if not part:  # close_notify
                    self._end = NOTHING
                    break
                plain += part
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # close_notify after ours
            self._end = NOTHING
        except ssl.SSLError as error:
            self._end = error
            self._notifies = False
        return plain

    # -- its end ------------------------------------------------------------------------------------------------

    def shutdown(self, how: int) -> None:
        """End one direction or both: close_notify first, then TCP's own end. Raises OSError."""
        if how != _socket.SHUT_RD:
            self._notify()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Close it. What the kernel does not take at once is lost."""
        self._context.ended(self._ssl)
        with contextlib.suppress(OSError):
            self._notify()
        self._sock.close()

    def _notify(self) -> None:
        if self._notifies:
            self._notifies = False
            with contextlib.suppress(ssl.SSLError):  # it wants the server's close_notify as well
                self._ssl.unwrap()
            self.flush()
