"""WebSocket: each user upgrades an HTTP connection, then sends a text every EVERY seconds that must come back.

Until the upgrade a message ends with an empty line, after it messages have WebSocket's frames. What a client sends is
masked and what a server sends is not, so the framing below differs by direction. Texts have less than 126 bytes.
"""

import base64
import os

from rawsocket import (
    Connect,
    Due,
    LengthField,
    Request,
    Send,
    Session,
    SessionUser,
    SetFraming,
    UntilPattern,
)
from rawsocket.framing import Decoder, Framing

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: load.example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n"
)
FRAME = LengthField(offset=1, size=1)
TEXT, CLOSE, PING, PONG = b"\x81", b"\x88", b"\x89", b"\x8a"


class ClientFrames(Framing):
    """A message is a whole frame without a mask. It is sent with a mask of zeros, which changes no byte."""

    symmetric = False

    def encode(self, payload: bytes) -> bytes:
        """Return the frame with its mask."""
        return bytes((payload[0], payload[1] | 0x80)) + bytes(4) + payload[2:]

    def decoder(self) -> Decoder:
        """Return a decoder of frames without a mask."""
        return FRAME.decoder()


class WebSocketUser(SessionUser):
    """Upgrades and talks."""

    framing = UntilPattern(rb"\r\n\r\n")

    def session(self) -> Session:
        """Upgrade, and send texts for ever."""
        request = UPGRADE % base64.b64encode(os.urandom(16))
        yield Connect()
        yield Request(request, "upgrade", expect=lambda reply: reply.startswith(b"HTTP/1.1 101 "))
        yield SetFraming(ClientFrames())
        while True:
            yield Due(self.option("every"))
            text = FRAME.frame(TEXT, b"message %d" % self.message_no)
            yield Request(text, "text", expect=text)

    def is_push(self, message: bytes) -> bool:
        """The server's ping."""
        return message[:1] == PING

    def on_push(self, message: bytes) -> bytes:
        """Answer it with the same content."""
        return PONG + message[1:]

    def goodbye(self) -> Session:
        """Close in order."""
        yield Send(FRAME.frame(CLOSE, b"\x03\xe8"), "close", reply=False)
