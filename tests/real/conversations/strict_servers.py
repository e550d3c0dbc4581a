"""Servers for protocols whose real servers are large or not free. They check each byte that they get, and count.

What is wrong ends the connection, with a traceback in the output of the test; the users then have failures.
"""

from __future__ import annotations

import re
import struct
from itertools import count
from xml.parsers.expat import ParserCreate

from tests.real.small_servers import Handler

# How many bytes a field of ISO 8583 has; 0: two digits say it.
FIELDS = {2: 0, 3: 6, 4: 12, 7: 10, 11: 6, 41: 8, 49: 3, 70: 3}


class Iso8583(Handler):
    """Approves all. Counts by the kind of message; numbers must grow by one on a connection."""

    def handle(self) -> None:
        for number in count(1):
            if not (size := self.rfile.read(2)):
                return
            kind, fields = _fields(self.rfile.read(*struct.unpack(">H", size)))
            assert fields[11] == b"%06d" % number, fields
            self.server.got[kind.decode()] += 1
            names = [7, 11, 39, 70] if kind == b"0800" else [2, 3, 4, 7, 11, 39, 41, 49]
            bits = sum(1 << (128 - name) for name in names)
            bitmap = (bits | 1 << 127).to_bytes(16) if names[-1] > 64 else (bits >> 64).to_bytes(8)
            body = b"".join({39: b"00", **fields}[name] for name in names)
            reply = b"%04d" % (int(kind) + 10) + bitmap + (b"16" if names[0] == 2 else b"") + body
            self.wfile.write(struct.pack(">H", len(reply)) + reply)


def _fields(message: bytes) -> tuple[bytes, dict[int, bytes]]:
    """Return the kind of a message, and its fields by their number."""
    kind, wide = message[:4], 16 if message[4] & 0x80 else 8
    bits = int.from_bytes(message[4 : 4 + wide]) << (128 - 8 * wide)
    rest = message[4 + wide :]
    fields = {}
    for name in range(2, 129):
        if bits >> (128 - name) & 1:
            size = FIELDS[name]
            if not size:
                size, rest = int(rest[:2]), rest[2:]
            fields[name], rest = rest[:size], rest[size:]
            assert re.fullmatch(rb"T\d{7}" if name == 41 else rb"\d+", fields[name]), (name, message)
            assert len(fields[name]) == size, message
    assert not rest, message
    return kind, fields


class Fix(Handler):
    """Takes a logon, answers tests, takes heartbeats and a logout. Sends a heartbeat of its own after each test."""

    def handle(self) -> None:
        text, mine = b"", count(1)
        for number in count(1):
            while not re.search(rb"\x0110=\d{3}\x01$", text):
                if not (byte := self.rfile.read(1)):
                    return
                text += byte
            fields, text = _checked(text), b""
            kind = fields[b"35"].decode()
            assert fields[b"34"] == b"%d" % number, fields
            assert (kind == "A") == (number == 1), fields
            self.server.got[kind] += 1
            replies = {
                "A": [b"35=A|98=0|108=30"],
                "1": [b"35=0|112=" + fields.get(b"112", b""), b"35=0"],
                "5": [b"35=5"],
            }
            for body in replies.get(kind, []):
                head = b"|34=%d|49=SERVER|52=20260101-00:00:00|56=%s" % (next(mine), fields[b"49"])
                self.wfile.write(_framed(body[:4] + head + body[4:] + b"|"))


def _checked(message: bytes) -> dict[bytes, bytes]:
    """Return the fields of a message of FIX, after a check of its length and its sum."""
    begin, size, body, end = re.fullmatch(rb"(8=FIX\.4\.4\x019=(\d+)\x01)(.*)(10=\d{3}\x01)", message, re.S).groups()  # type: ignore[union-attr]
    assert len(body) == int(size), message
    assert end == b"10=%03d\x01" % (sum(begin + body) % 256), message
    fields = [part.split(b"=", 1) for part in body[:-1].split(b"\x01")]
    assert [name for name, _ in fields[:5]] == [b"35", b"34", b"49", b"52", b"56"], message
    found = dict(fields)
    assert re.fullmatch(rb"\d{8}-\d\d:\d\d:\d\d", found[b"52"]), message
    return found


def _framed(body: bytes) -> bytes:
    body = body.replace(b"|", b"\x01")
    message = b"8=FIX.4.4\x019=%d\x01" % len(body) + body
    return message + b"10=%03d\x01" % (sum(message) % 256)


class Stomp(Handler):
    """Gives each message to the connection that has sent it, before or after its receipt, in turn."""

    def handle(self) -> None:
        text, wants = b"", b""
        while byte := self.rfile.read(1):
            text += byte
            if byte != b"\0":
                continue
            kind, headers, body = _frame(text)
            text = b""
            self.server.got[kind] += 1
            replies = [b"RECEIPT\nreceipt-id:%s\n\n\0\n" % headers.get("receipt", b"")]
            if kind == "CONNECT":
                assert headers["accept-version"] == b"1.2", headers
                replies = [b"CONNECTED\nversion:1.2\n\n\0\n"]
            elif kind == "SUBSCRIBE":
                wants = headers["destination"]
            elif kind == "SEND":
                assert headers["destination"] == wants, headers
                head = b"MESSAGE\nsubscription:0\nmessage-id:1\ndestination:%s\n\n" % wants
                replies.insert(int(headers["receipt"]) % 2, head + body + b"\0\n")
            self.wfile.write(b"".join(replies))


def _frame(text: bytes) -> tuple[str, dict[str, bytes], bytes]:
    """Return the command, the headers and the body of a frame of STOMP."""
    head, body = text[:-1].split(b"\n\n", 1)
    kind, *lines = head.decode().split("\n")
    assert kind in ("CONNECT", "SUBSCRIBE", "SEND", "DISCONNECT"), text
    return kind, {name: value.encode() for name, value in (line.split(":", 1) for line in lines)}, body


# What the server says first; what it replies to a method, and what a method has behind its two numbers.
AMQP_START = b"\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US"
AMQP_REPLIES = {
    (10, 11): b"\0\x0a\0\x1e\x07\xff\0\x02\0\0\0\x3c",
    (10, 31): b"",
    (10, 40): b"\0\x0a\0\x29\0",
    (10, 50): b"\0\x0a\0\x33",
    (20, 10): b"\0\x14\0\x0b\0\0\0\0",
    (20, 40): b"\0\x14\0\x29",
}
AMQP_BODIES = {
    (10, 11): b"\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US",
    (10, 31): b"\x07\xff\0\x02\0\0\0\0",
    (10, 40): b"\x01/\0\0",
    (10, 50): b"\0\xc8\0\0\0\0\0",
    (20, 10): b"\0",
    (20, 40): b"\0\0\0\0\0\0\0",
}


class Amqp(Handler):
    """Takes the login of guest, and opens and closes channels."""

    def handle(self) -> None:
        assert self.rfile.read(8) == b"AMQP\0\0\x09\x01"
        self._send(0, AMQP_START)
        opened: set[int] = set()
        while head := self.rfile.read(7):
            kind, channel, size = struct.unpack(">BHI", head)
            body = self.rfile.read(size)
            method = struct.unpack_from(">HH", body)
            assert (kind, self.rfile.read(1), method in AMQP_BODIES) == (1, b"\xce", True), body
            assert body[4:] == AMQP_BODIES[method], body
            assert (channel > 0) == (method[0] == 20)
            assert (channel in opened) == (method == (20, 40))
            opened ^= {channel} if channel else set()
            self.server.got[f"{method[0]}.{method[1]}"] += 1
            if AMQP_REPLIES[method]:
                self._send(channel, AMQP_REPLIES[method])

    def _send(self, channel: int, body: bytes) -> None:
        self.wfile.write(struct.pack(">BHI", 1, channel, len(body)) + body + b"\xce")


class Xmpp(Handler):
    """Says what it offers when a stream begins, and closes it when the client does."""

    def handle(self) -> None:
        parser = ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        while byte := self.rfile.read(1):
            parser.Parse(byte)

    def _started(self, name: str, attributes: dict[str, str]) -> None:
        assert name == "http://etherx.jabber.org/streams stream"
        assert (attributes["to"], attributes["version"]) == ("example.test", "1.0")
        self.server.got["stream"] += 1
        self.wfile.write(
            b"<?xml version='1.0'?><stream:stream from='example.test' id='1' version='1.0' xmlns='jabber:client' "
            b"xmlns:stream='http://etherx.jabber.org/streams'><stream:features><mechanisms "
            b"xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"
        )

    def _ended(self, name: str) -> None:
        assert name == "http://etherx.jabber.org/streams stream"
        self.server.got["close"] += 1
        self.wfile.write(b"</stream:stream>")
