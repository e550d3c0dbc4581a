import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import re
import zlib
from typing import Any

import pytest

from rawsocket.conversation.plan import Template, Value
from rawsocket.conversation.templates import draw, drawn, maker
from tests.support.conversations import SOURCES, Sender, text, value


def made(*pieces: bytes | Value) -> bytes:
    found = maker(Template(pieces), SOURCES)
    sender: Any = Sender()
    return found if isinstance(found, bytes) else found(sender)


def test_template_without_values_is_made_once() -> None:
    assert maker(text(b"100%", b" \0"), SOURCES) == b"100% \0"
    assert maker(text(), SOURCES) == b""


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ((b"100% of ", value("user")), b"100% of 7"),
        ((value("n"), b"/", value("worker")), b"42/3"),
        ((value("n", "u2"), value("n", "05"), value("n", "x8"), value("user", "u1")), b"\0\x2a000420000002a\7"),
        ((value(".name"), b":", value(".port"), b":", value(".port", "u2")), b"ann:80:\0\x50"),
        ((value("$id"), value("$id", "u4le")), b"12\x0c\0\0\0"),
        ((value("time"),), b"1700000000"),
        ((value("time", "ms"),), b"1700000000250"),
        ((value("time", "u4"),), (1_700_000_000).to_bytes(4)),
        ((value("time", "%Y%m%d-%H:%M:%S"),), b"20231114-22:13:20"),
        ((value("time", "%S.%f"),), b"20.250000"),
    ],
)
def test_values_are_filled_in(pieces: tuple[bytes | Value, ...], message: bytes) -> None:
    assert made(*pieces) == message


@pytest.mark.parametrize(
    ("format", "pattern"),
    [("", rb"[a-zA-Z0-9]{16}"), ("3", rb"[a-zA-Z0-9]{3}"), ("300", rb"[a-zA-Z0-9]{300}"), ("u4", rb"(?s).{4}")],
)
def test_random_text_is_new_in_each_message(format: str, pattern: bytes) -> None:
    messages = {made(value("random", format)) for _ in range(20)}
    assert all(re.fullmatch(pattern, message) for message in messages)
    assert len(messages) > 15


def test_uuid_is_one_of_version_4() -> None:
    assert re.fullmatch(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made(value("uuid")))


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ((value("length"), b"|abc"), b"4|abc"),
        ((value("length", "u2"), b"a", value("user")), b"\0\2a7"),
        ((value("length", "varint"), b"x" * 200), b"\xc8\1" + b"x" * 200),
        ((b"9=", value("length", "03"), b";", value("<"), b"abc", value(">"), b"tail"), b"9=003;abctail"),
        ((b"Q", value("<"), value("length", "u4"), b"ab\0", value(">")), b"Q\0\0\0\7ab\0"),
        ((value("length"), b":", value("length"), b":ab"), b"5:3:ab"),
        ((b"abc", value("sum")), b"abc038"),
        ((b"abc", value("sum", "u1")), b"abc\x26"),
        ((b"abc", value("crc32")), b"abc%08x" % zlib.crc32(b"abc")),
        ((b"abc", value("crc32", "u4"), b"d"), b"abc" + zlib.crc32(b"abc").to_bytes(4) + b"d"),
        ((b"ab", value(">"), b"cd", value("sum")), b"abcd195"),
        ((value("length"), b" ab ", value("crc32")), b"12 ab %08x" % zlib.crc32(b"12 ab ")),
    ],
)
def test_message_measures_itself(pieces: tuple[bytes | Value, ...], message: bytes) -> None:
    assert made(*pieces) == message


def test_fix_message_has_the_right_length_and_sum() -> None:
    body = b"35=A\x0134=42\x0149=LOAD7\x01"
    head = b"8=FIX.4.4\x019=%d\x01" % len(body)
    pieces = (
        *(b"8=FIX.4.4\x019=", value("length"), b"\x01", value("<"), b"35=A\x0134=", value("n"), b"\x0149=LOAD"),
        *(value("user"), b"\x01", value(">"), b"10=", value("sum"), b"\x01"),
    )
    assert made(*pieces) == head + body + b"10=%03d\x01" % (sum(head + body) % 256)


def test_length_that_its_format_cant_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="the number 256 is too large"):
        made(value("length", "u1"), b"x" * 256)


def test_value_that_a_message_shares_with_its_reply_is_drawn_once() -> None:
    templates = [text(b"a ", value("random")), text(value("random"), value("user"))]
    shared = drawn(templates)
    assert shared == [value("random")]
    assert drawn(templates[:1]) == drawn([text(value("user"), value("user"))]) == []
    sender: Any = Sender()
    draw(shared, SOURCES)(sender)
    message, reply = (maker(template, SOURCES, shared)(sender) for template in templates)  # type: ignore[operator]
    assert message[2:] + b"7" == reply
    draw(shared, SOURCES)(sender)
    assert maker(templates[0], SOURCES, shared)(sender) != message  # type: ignore[operator]
