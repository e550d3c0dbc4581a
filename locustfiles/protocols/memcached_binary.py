"""memcached, binary protocol: each user has eight requests in flight, and finds their replies by their number."""

import struct

from rawsocket import Connect, Due, LengthField, Request, Session, SessionUser

GET, SET = 0, 1
FRAMING = LengthField(offset=8, size=4, adjust=12)  # the length leaves out 12 bytes after it: number and version


def command(code: int, number: int, key: bytes, extras: bytes = b"", value: bytes = b"") -> bytes:
    """Return a request; its reply has the same `number`."""
    head = struct.pack(">BBHBxH", 0x80, code, len(key), len(extras), 0)
    return FRAMING.frame(head, struct.pack(">IQ", number, 0) + extras + key + value)


def succeeded(reply: bytes) -> bool:
    """Return whether a reply has the status 0."""
    return reply[:1] == b"\x81" and reply[6:8] == b"\0\0"


class MemcachedBinaryUser(SessionUser):
    framing = FRAMING

    def session(self) -> Session:
        key = b"binary-%d" % self.number
        yield Connect()
        yield Request(command(SET, 0, key, struct.pack(">II", 0, 0), b"hello"), "set", expect=succeeded)
        while True:
            yield Due(self.option("every"))
            for _ in range(8):
                yield Request(command(GET, self.message_no, key), "get", expect=succeeded, inflight=8)

    def request_key(self, payload: bytes) -> bytes:
        return payload[12:16]

    def reply_key(self, message: bytes) -> bytes:
        return message[12:16]
