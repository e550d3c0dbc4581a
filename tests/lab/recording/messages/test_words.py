"""Names of messages, their forms, and which of them begin and end a connection."""

import pytest

from lab.recording.messages import words

MQTT, POSTGRESQL, MODBUS = "{varint: {at: 1}}", "{length: {at: 1, size: 4, adjust: -4}}", "{length: {at: 4, size: 2}}"


@pytest.mark.parametrize(
    ("message", "framing", "name"),
    [
        (b"*2\r\n$3\r\nget\r\n$1\r\na\r\n", "", "GET"),
        (b"POST /a/b?c=1 HTTP/1.1\r\n\r\n", "", "POST /a/b"),
        (b"\x30\x03\0\1a", MQTT, "PUBLISH"),
        (b"Q\0\0\0\x0dselect 1\0", POSTGRESQL, "SELECT"),
        (b"Q\0\0\0\x05\0", POSTGRESQL, "query"),
        (b"\0\0\0\x09\0\3\0\0\0", POSTGRESQL, "startup"),
        (b"X\0\0\0\4", POSTGRESQL, "Terminate"),
        (b"\0\1\0\0\0\6\1\3\0\0\0\1", MODBUS, "function 3"),
        (b"GET a", "line", ""),
    ],
)
def test_name_of_a_message(message: bytes, framing: str, name: str) -> None:
    assert words.name(message, framing) == name


def test_form_is_what_messages_of_a_kind_have_in_common() -> None:
    assert words.form(b"SET k1 ab12", "") == words.form(b"SET k22 zz9", "")
    assert words.form(b"GET /a", "") != words.form(b"GET /b", "")
    assert words.form(b"\x30\x05\0\1aab", MQTT) != words.form(b"\xc0\0", MQTT)
    assert words.form(b"\1\2\3", "") == words.form(b"\1\3\4", "") != words.form(b"\2\2\3", "")


def test_first_word() -> None:
    assert words.first_word(b"SET a b", "") == b"SET"
    assert words.first_word(b"*1\r\n$4\r\nping\r\n", "") == b"PING"
    assert words.first_word(b"\xc0\0", MQTT) == "PINGREQ"
    assert words.first_word(b"\n", "") == b""


@pytest.mark.parametrize(
    "message",
    [b"AUTH a", b"EHLO a", b"a1 LOGIN b c", b"NICK x", b"*2\r\n$4\r\nAUTH\r\n$1\r\na\r\n", b"USER x", b"CONNECT {}"],
)
def test_message_that_begins_a_connection(message: bytes) -> None:
    assert words.begins(message, first=False)


def test_binary_message_that_begins_a_connection() -> None:
    assert words.begins(b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0", first=True)
    assert not words.begins(b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0", first=False)
    assert words.begins(b"p\0\0\0\x07ab\0", first=False)
    assert not words.begins(b"GET a", first=True)


@pytest.mark.parametrize("message", [b"QUIT", b"a3 LOGOUT", b"bye", b"\xe0\0", b"X\0\0\0\4", b"QUIT :bye"])
def test_message_that_ends_a_connection(message: bytes) -> None:
    assert words.ends(message)


def test_other_messages_do_not_end_it() -> None:
    assert not words.ends(b"GET quit")
    assert not words.ends(b"\xc0\0")
