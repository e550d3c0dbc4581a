"""DNS over TCP: each user sends four queries at once, every EVERY seconds; the server may reply in any order.

A query begins with a number that its reply repeats.
"""

import struct

from rawsocket import Connect, Due, LengthPrefixed, Request, ScenarioSetting, Session, SessionUser

ScenarioSetting("dns_name", "www.example.test", "the name to look up")


def question(name: str) -> bytes:
    """Return the question for the IPv4 address of a name: each part with its length."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return labels + b"\0" + struct.pack(">HH", 1, 1)


def has_answer(reply: bytes) -> bool:
    """Return whether a reply has no error and at least one answer."""
    return len(reply) >= 12 and reply[3] & 15 == 0 and reply[6:8] != b"\0\0"


class DnsUser(SessionUser):
    framing = LengthPrefixed(2)

    def session(self) -> Session:
        query = struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + question(self.option("dns_name"))
        yield Connect()
        while True:
            yield Due(self.option("every"))
            for _ in range(4):
                number = struct.pack(">H", self.message_no % 65_536)
                yield Request(number + query, "query", expect=has_answer, inflight=4)

    def request_key(self, payload: bytes) -> bytes:
        return payload[:2]

    def reply_key(self, message: bytes) -> bytes:
        return message[:2]
