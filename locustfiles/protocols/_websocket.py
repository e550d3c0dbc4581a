"""What websocket_echo.py sends and reads of WebSocket (RFC 6455): the upgrade, and frames of less than 126 bytes."""

import base64
import secrets

from rawsocket.framing import Framings, LengthField

FRAME = LengthField(offset=1, size=1)
TEXT, CLOSE, PING, PONG = b"\x81", b"\x88", b"\x89", b"\x8a"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: load.example.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n"
)


def upgrade() -> bytes:
    """Return the request for an upgrade, with a key of its own."""
    return UPGRADE % base64.b64encode(secrets.token_bytes(16))


class Masked(LengthField):
    """Frames with a mask of zeros, which changes no byte."""

    def encode(self, payload: bytes) -> bytes:
        """Return the frame with its mask."""
        return bytes((payload[0], payload[1] | 0x80)) + bytes(4) + payload[2:]


# A client's frames have a mask, a server's have none.
FRAMES = Framings(send=Masked(offset=1, size=1), receive=FRAME)
