"""NATS: each user subscribes to its own subject; every EVERY seconds it publishes there and gets its message back.

All but the ping is one-way. The server greets with INFO, and pings by itself: that is answered at once.
"""

import time

from rawsocket import Connect, Due, Heartbeat, LengthInText, Receive, Send, Session, SessionUser


class NatsUser(SessionUser):
    # Only an MSG has more than a line: so many bytes as the line says.
    framing = LengthInText(b"\r\n", rb"^MSG .* (\d+)\r", after=b"\r\n")
    accepts_pushes = True

    def session(self) -> Session:
        subject = b"load.%d" % self.number
        yield Connect()
        yield Receive(expect=lambda info: info.startswith(b"INFO "))
        yield Send(b'CONNECT {"verbose": false}\r\n', "CONNECT", reply=False)
        yield Send(b"SUB %s 1\r\n" % subject, "SUB", reply=False)
        yield Heartbeat(15, b"PING\r\n", expect=b"PONG\r\n", name="PING")
        while True:
            yield Due(self.option("every"))
            text, began = b"%d" % self.message_no, time.perf_counter()
            yield Send(b"PUB %s %d\r\n%s\r\n" % (subject, len(text), text), "PUB", reply=False)
            wanted = b"MSG %s 1 %d\r\n%s\r\n" % (subject, len(text), text)
            yield Receive(name="delivery", since=began, expect=wanted, only=lambda push: push.startswith(b"MSG "))

    def is_push(self, message: bytes) -> bool:
        return message != b"PONG\r\n"  # all but the reply to a ping

    def on_push(self, message: bytes) -> bytes | None:
        return b"PONG\r\n" if message == b"PING\r\n" else None
