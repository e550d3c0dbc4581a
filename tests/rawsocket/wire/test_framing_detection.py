"""Which framings fit recorded bytes: conversations of known protocols."""

import struct

import pytest

from rawsocket.wire.framing_detection import MOST_TURNS, fitting
from tests.support.framings import HTTP, MEMCACHED, MLLP, MODBUS, MQTT, MYSQL, POSTGRES


def _prefixed(*texts: bytes) -> list[bytes]:
    return [struct.pack(">I", len(text)) + text for text in texts]


def _little(*texts: bytes) -> list[bytes]:
    return [struct.pack("<I", len(text) + 4) + text for text in texts]


def _fix(text: bytes) -> bytes:
    return b"8=FIX.4.4\x019=%d\x01%s\x0110=%03d\x01" % (len(text), text, len(text))


POSTGRES_REPLY = POSTGRES.frame(b"R", b"\0\0\0\0") + POSTGRES.frame(b"Z", b"I")
POSTGRES_ROWS = POSTGRES.frame(b"T", b"column") + POSTGRES.frame(b"C", b"SELECT 1\0") + POSTGRES.frame(b"Z", b"I")
HTTP_REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

#: By name: the turns received and sent, and the text of the best framing.
CONVERSATIONS: dict[str, tuple[list[bytes], list[bytes], str]] = {
    "redis": ([b"+OK\r\n", b"$5\r\nabcde\r\n"], [b"SET a abcde\r\n", b"GET a\r\n"], r'{delimiter: "\r\n"}'),
    "smtp": ([b"220 hi\r\n", b"250-a\r\n250 b\r\n"], [b"EHLO me\r\n"], r'{delimiter: "\r\n"}'),
    "graphite and a shell": ([b"ready\n", b"bye\n"], [b"a.b 1 2\n"], "line"),
    "stomp": ([b"CONNECTED\nversion:1.2\n\n\0"], [b"CONNECT\n\n\0"], r'{delimiter: "\0"}'),
    "asterisk": ([b"Response: Success\r\nA: b\r\n\r\n"], [b"Action: Ping\r\n\r\n"], r'{delimiter: "\r\n\r\n"}'),
    "postgresql": ([POSTGRES_REPLY, POSTGRES_ROWS], [], "{length: {at: 1, size: 4, adjust: -4}}"),
    "modbus": (
        [MODBUS.frame(b"\0\1\0\0", b"\1\3\4abcd"), MODBUS.frame(b"\0\2\0\0", b"\1\3\2ab")],
        [MODBUS.frame(b"\0\1\0\0", b"\1\3\0\0\0\2"), MODBUS.frame(b"\0\2\0\0", b"\1\3\0\0\0\1")],
        "{length: {at: 4, size: 2}}",
    ),
    "memcached": (
        [MEMCACHED.frame(b"\x81\1" + bytes(6), bytes(12)), MEMCACHED.frame(b"\x81\0" + bytes(6), bytes(12) + b"abc")],
        [MEMCACHED.frame(b"\x80\1" + bytes(6), bytes(12) + b"key")],
        "{length: {at: 8, size: 4, adjust: 12}}",
    ),
    "mysql": (
        [MYSQL.frame(b"", b"\0" + b"8.0.36" * 3), MYSQL.frame(b"", b"\2\0\0\0\2\0\0\0")],
        [],
        "{length: {at: 0, size: 3, adjust: 1, order: little}}",
    ),
    "mqtt": (
        [MQTT.frame(b"\x20", b"\0\0"), MQTT.frame(b"\x90", b"\0\1\0")],
        [MQTT.frame(b"\x10", b"\0\4MQTT\4\2\0<\0\1a")],
        "{varint: {at: 1}}",
    ),
    "mllp": ([MLLP.encode(b"MSH|a\rMSA|AA\r")], [MLLP.encode(b"MSH|a\r")], r'{marks: {start: "\x0b", end: "\x1c\r"}}'),
    "fix": ([_fix(b"35=A")], [_fix(b"35=A\x01108=30")], r"{until: '\x0110=\d{3}\x01'}"),
    "http": (
        [HTTP_REPLY] * 2,
        [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"] * 2,
        r"{head: {end: "
        r'"\r\n\r\n", length: '
        rf"'{HTTP.pattern.decode()}'"
        "}}",
    ),
    "iso 8583": ([b"\0\x1e0810" + b"x" * 26], [b"\0\x140800" + b"x" * 16], "{length: {size: 2}}"),
    "length of four bytes": (_prefixed(b"hello", b"you"), _prefixed(b"hi"), "{length: {size: 4}}"),
    "mongodb": (_little(b"x" * 16, b"y" * 20), [], "{length: {size: 4, order: little, includes_header: yes}}"),
    "syslog": ([b"5 hello11 hello world"], [], "{head: {end: \" \", length: '\\A([1-9]\\d*) \\Z'}}"),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_best_framing_of_known_protocol(name: str) -> None:
    received, sent, wanted = CONVERSATIONS[name]
    best = fitting(received, sent)[0]
    assert best.text == wanted
    assert best.received >= len(received)
    assert best.sent >= len(sent)


def test_each_framing_is_suggested_once_and_best_comes_first() -> None:
    for received, sent, _ in CONVERSATIONS.values():
        found = fitting(received, sent)
        assert len({fit.text for fit in found}) == len(found)
        assert sorted(found, key=lambda fit: -fit.points) == found


def test_pair_of_framings_where_directions_differ() -> None:
    best = fitting([HTTP_REPLY], [b"status\n", b"quit\n"])[0]
    assert best.text.startswith("{send: line, receive: {head: ")
    assert (best.sent, best.received) == (2, 1)


def test_sent_bytes_without_any_framing_are_sent_as_they_are() -> None:
    best = fitting([b"one\n", b"two\n"], [b"\1\2\3", b"abc"])[0]
    assert best.text == "{send: chunk, receive: line}"


def test_pause_if_nothing_else_fits() -> None:
    assert [fit.text for fit in fitting([b"abcdef"])] == ["{idle: 50ms}"]


def test_end_of_the_connection_if_it_ended_the_only_message() -> None:
    assert [fit.text for fit in fitting([b"abcdef"], closed=True)] == ["eof", "{idle: 50ms}"]


def test_nothing_without_received_bytes() -> None:
    assert fitting([], [b"hello\n"]) == []
    assert fitting([b""]) == []


def test_mark_of_the_bytes_themselves() -> None:
    assert fitting([b"one#;", b"two#;", b"three#;"])[0].text == '{delimiter: "#;"}'


def test_only_so_many_turns_are_looked_at() -> None:
    assert fitting([b"a\n"] * (MOST_TURNS + 50))[0].received == MOST_TURNS


def test_bytes_left_over_are_no_fit() -> None:
    assert [fit.text for fit in fitting([b"one\ntwo", b"three\nfour"])] == ["{idle: 50ms}"]
