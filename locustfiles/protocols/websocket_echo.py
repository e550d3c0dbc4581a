"""WebSocket: each user upgrades an HTTP connection, then sends a text every EVERY seconds that must come back.

Until the upgrade a message ends with an empty line, after it messages have WebSocket's frames. What a client sends is
masked and what a server sends is not, so that framing differs by direction. Texts have less than 126 bytes.
"""

import re

from locustfiles.protocols import _websocket as ws
from rawsocket import Connect, Due, Request, Send, Session, SessionUser, SetFraming, UntilPattern


class WebSocketUser(SessionUser):
    framing = UntilPattern(rb"\r\n\r\n")

    def session(self) -> Session:
        yield Connect()
        yield Request(ws.upgrade(), "upgrade", re.compile(rb"HTTP/1\.1 101 ").match)
        yield SetFraming(ws.FRAMES)
        while True:
            yield Due(self.option("every"))
            text = ws.FRAME.frame(ws.TEXT, b"message %d" % self.message_no)
            yield Request(text, "text", expect=text)

    def is_push(self, message: bytes) -> bool:
        return message.startswith(ws.PING)

    def on_push(self, message: bytes) -> bytes:
        return ws.PONG + message[1:]  # with the same content

    def goodbye(self) -> Session:
        yield Send(ws.FRAME.frame(ws.CLOSE, b"\x03\xe8"), "close", reply=False)
