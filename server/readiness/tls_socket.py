"""TLS over a non-blocking socket, with the calls of a socket: bytes of the wire below, bytes of messages above.

Strategy: OpenSSL works on two memory buffers and never touches the socket, so a handler of the loop uses this as it
uses a plain socket. Rules:

- `recv` decrypts all that one recv of the socket brought: nothing is left inside that the poller can't report.
- `send` counts bytes when the kernel has their whole record. The caller keeps the others and gives them again, as after
  a short write: so "output waits" means the same as without TLS.
- The end of the input is the peer's close_notify, or the end of the TCP stream: many clients just close, and a message
  that this cuts off is counted as unfinished.
- The handshake has a call of its own; until it is complete, there is no input and no output.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

from server.system.errnos import TlsError

#: The most plaintext of one record (RFC 8446, 5.1), and the size of one recv of the socket.
RECORD_SIZE = 16_384


class TlsSocket:
    """The server's side. `handshaking`: the handshake is not complete. `ended`: there is no more input.

    Calls raise BlockingIOError if there is nothing to do now, `TlsError` if the peer breaks the protocol, and another
    OSError if the socket does.
    """

    __slots__ = ("_incoming", "_outgoing", "_owed", "_sock", "_ssl", "_unsent", "ended", "handshaking")

    def __init__(self, context: ssl.SSLContext, sock: socket.socket) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ssl = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._unsent = b""  # Encrypted, and not yet in the kernel.
        self._owed = 0  # Bytes of the caller that are in the last record of `_unsent`.
        self.handshaking = True
        self.ended = False

    def shake_hands(self) -> bool:
        """Go on with the handshake with what has arrived; return whether it is complete."""
        if not self._receive():
            raise TlsError("the client left in the handshake")
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError as error:
            raise self._failure(error) from None
        self.handshaking = False
        self._flush()
        return True

    def recv(self, size: int) -> bytes:
        """Return what has arrived, b"" at the end of the input. It may be more than `size`: up to two records."""
        if self.ended:
            return b""
        # Bytes are left in the buffer only by the handshake, if the first message came with its end.
        if not self._incoming.pending and not self._receive():
            self.ended = True
            return b""
        data = self._decrypt()
        if self._outgoing.pending:
            self._flush()
        if not data and not self.ended:
            raise BlockingIOError
        return data

    def send(self, data: bytes | bytearray) -> int:
        """Encrypt and send; return how many bytes are sent. The others must come first in the next call."""
        if not self._flush():
            raise BlockingIOError
        sent, self._owed = self._owed, 0
        with memoryview(data) as view:
            while sent < len(data):
                count = self._encrypt(view[sent : sent + RECORD_SIZE])
                if not self._flush():
                    self._owed = count
                    break
                sent += count
        if not sent:
            raise BlockingIOError
        return sent

    def shutdown(self, how: int) -> None:
        """Send close_notify, then end the output of the socket."""
        self._notify_close()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Send close_notify if that is possible now, and close the socket."""
        with suppress(OSError):
            self._notify_close()
        self._sock.close()

    def fileno(self) -> int:
        """Return the descriptor of the socket, -1 if it is closed."""
        return self._sock.fileno()

    def getpeername(self) -> object:
        """Return the address of the other end."""
        return self._sock.getpeername()

    # How it is done

    def _receive(self) -> bool:
        """Receive from the socket; return False at the end of its input."""
        data = self._sock.recv(RECORD_SIZE)
        self._incoming.write(data)
        return bool(data)

    def _decrypt(self) -> bytes:
        data = b""
        try:
            while record := self._ssl.read(RECORD_SIZE):
                data = data + record if data else record
                if not self._incoming.pending and not self._ssl.pending():
                    return data
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            raise self._failure(error) from None
        return data

    def _encrypt(self, data: memoryview) -> int:
        try:
            return self._ssl.write(data)
        except ssl.SSLError as error:
            raise self._failure(error) from None

    def _flush(self) -> bool:
        """Send what is encrypted; return whether the kernel has all of it."""
        output = self._unsent + self._outgoing.read()
        if not output:
            return True
        try:
            sent = self._sock.send(output)
        except BlockingIOError:
            sent = 0
        self._unsent = output[sent:]
        return not self._unsent

    def _notify_close(self) -> None:
        with suppress(ssl.SSLError):  # It is written before OpenSSL asks for the peer's.
            self._ssl.unwrap()
        self._flush()

    def _failure(self, error: ssl.SSLError) -> TlsError:
        """Return the error to raise, after the alert that tells the peer."""
        with suppress(OSError):
            self._flush()
        return TlsError(error.reason or str(error))
