"""Which framing is chosen for recorded bytes, protocol by protocol."""

import struct

import pytest

from lab.recording.messages.framing import guess

HTTP = b"HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
HEAD = r"""{head: {end: "\r\n\r\n", length: '(?i)\ncontent-length: *(\d+)'}}"""
RESP = r"""{head: {end: "\r\n", length: '^\$(\d+)', after: "\r\n"}}"""


def _modbus(number: int, data: bytes) -> bytes:
    return struct.pack(">HHHB", number, 0, len(data) + 1, 1) + data


@pytest.mark.parametrize(
    ("sent", "received", "written"),
    [
        ([b"PING\r\n", b"GET a\r\n"], [b"+PONG\r\n", b"-ERR\r\n"], r'{delimiter: "\r\n"}'),
        ([b"a\n", b"bb\n"], [b"OK\n", b"OK then\n"], "line"),
        ([b"NICK a\r\nUSER a\r\n"], [b":x 001\r\n:x 002\r\n"], r'{delimiter: {end: "\r\n", many: yes}}'),
        ([b"a\nb\n", b"c\n"], [b"OK\n", b"NO\n"], "{line: {many: yes}}"),
        ([b"GET a\r\n"], [b"$2\r\nhi\r\n"], r'{delimiter: "\r\n"}'),  # `then` says the length
        ([b"*1\r\n$4\r\nPING\r\n"], [b"+PONG\r\n", b"$2\r\nhi\r\n"], RESP),
        ([b"*1\r\n$4\r\nPING\r\n"], [b"+PONG\r\n"], RESP),
        ([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"], [HTTP], HEAD),
        ([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"], [CHUNKED], r"{until: '\r\n0\r\n\r\n'}"),
        ([b"\x0bMSH|a\r\x1c\r"] * 2, [b"\x0bMSH|b\r\x1c\r"] * 2, r'{marks: {start: "\x0b", end: "\x1c\r"}}'),
        ([_modbus(1, b"\3\0\1\0\2"), _modbus(2, b"\6\0\1\0\2")], [_modbus(1, b"\3\4abcd"), _modbus(2, b"\6\0\1\0\2")],
         "{length: {at: 4, size: 2}}"),
        ([b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0", b"\xc0\0", b"\xe0\0"], [b"\x20\2\0\0", b"\xd0\0"], "{varint: {at: 1}}"),
        ([b"\0\0\0\x08\0\3\0\0", b"Q\0\0\0\x0dselect 1\0"],
         [b"R\0\0\0\x08\0\0\0\0Z\0\0\0\5I", b"T\0\0\0\6ab" b"C\0\0\0\x0dSELECT 1\0" b"Z\0\0\0\5I"],
         "{send: chunk, receive: {length: {at: 1, size: 4, adjust: -4}}}"),
        ([b"\0\3abc", b"\0\5hello"], [b"\0\2ok", b"\0\7goodbye"], "{length: {size: 2}}"),
        ([b"VALUE?"], [], "chunk"),
        ([b"a 1\n", b"b 2\n"], [], "line"),
        ([b"\n", b"b\n"], [b"OK\n", b"OK\n"], "{send: chunk, receive: line}"),
        ([b"?"] * 3, [b"\x91\x83\x02\x11", b"\x81", b"\x01\x02\x71"], "{idle: 50ms}"),
    ],
)  # fmt: skip
def test_framing_of_a_protocol(sent: list[bytes], received: list[bytes], written: str) -> None:
    assert guess([sent], [received]).written == written


def test_server_that_closes_after_its_reply() -> None:
    found = guess([[b"time?"]] * 2, [[b"it is\nlate"]] * 2, closed_by_server=True)
    assert found.written == "eof"
    assert found.receive.note == "the server closes the connection after its reply"
    assert guess([[b"a\n"]] * 2, [[b"one line\n"]] * 2, closed_by_server=True).written == "line"


def test_values_of_memcached_may_be_binary() -> None:
    written = r"""{head: {end: "\r\n", length: '^VALUE \S+ \d+ (\d+)', after: "\r\n"}}"""
    values = (b"hi", bytes(range(256)))
    received = [[b"VALUE a 0 %d\r\n%s\r\nEND\r\n" % (len(value), value)] for value in values]
    found = [guess([[b"get a\r\n"]], [each]).written for each in received]
    assert found == [r'{delimiter: "\r\n"}', written]
