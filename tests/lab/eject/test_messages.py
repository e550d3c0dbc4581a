"""The code of a message makes the bytes that the workers make of its template."""

import random
import re
import struct
import time
import uuid
import zlib
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.conversation.syntax.scope import Scope
from lab.conversation.syntax.text import Text
from lab.eject.code import CannotEject, Needs
from lab.eject.messages import Messages, measures
from rawsocket.conversation.formats import varint
from rawsocket.conversation.plan import Template
from rawsocket.conversation.templates import Sources, maker
from tests.support.yaml_nodes import value


class User:
    number = 7
    message_no = 41
    worker = 3
    columns = (b"ann", b"80")
    row = {"name": "ann", "port": "80"}  # noqa: RUF012
    captured = {"id": b"12"}  # noqa: RUF012
    capture_id = b"12"
    drawn: dict[Any, Any]


SOURCES = Sources(time.time, random.Random(), ("name", "port"))
GLOBALS = {
    "random": random, "re": re, "time": time, "uuid": uuid, "zlib": zlib, "datetime": datetime, "UTC": UTC,
    "varint": varint, "letters": lambda size: b"x" * size, "self": User(),
}  # fmt: skip


def _template(text: str) -> Template:
    return Text.read(value(text)).template(Scope(("name", "port"), ("id",)))


def _made(text: str) -> bytes:
    """Run the code of a message."""
    lines, expression = Messages(Needs(), "f:1").message(_template(text))
    names: dict[str, Any] = {}
    exec("\n".join([*lines, f"found = {expression}"]), GLOBALS, names)
    found: bytes = names["found"]
    return found


@pytest.mark.parametrize(
    "text",
    [
        '""',
        '"100% of {user}"',
        '"{n}"',
        '"{n:05} {user:x} {user:x8} {worker}"',
        '"{n:u1}{n:u2le}{n:u8}{n:varint}"',
        '"{name} {port:u2} {id} {id:04}"',
        '"8=FIX.4.4\\x019={length}\\x01{<}35=A\\x0134={n}\\x01{>}10={sum}\\x01"',
        '"{length:u2}abc{n}"',
        '"{length:u2}{user:u4}{crc32:u4}"',
        '"{user}{crc32}{sum:u1}end"',
        '"Q{<}{length:u4}select {user}{>}"',
        '"a{<}bc{length:u1}d{n}{>}e"',
        '"{<}{n}{>}{length:03}{sum}"',
        '"{sum}"',
        "{hex: '01 {length:u2} {<} 25 {user:u4} {>} {crc32:u4} ff'}",
    ],
)
def test_same_bytes_as_of_the_workers(text: str) -> None:
    made = maker(_template(text), SOURCES)
    assert _made(text) == (made if isinstance(made, bytes) else made(User()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('"a {random:8}"', rb"a x{8}"),
        ('"{random}"', rb"x{16}"),
        ('"{random:u4}"', rb"(?s).{4}"),
        ('"{random:x}"', rb"[0-9a-f]+"),
        ('"{uuid}"', rb"[0-9a-f-]{36}"),
        ('"{time} {time:ms}"', rb"\d{10} \d{13}"),
        ('"{time:%Y%m%d-%H:%M:%S}"', rb"\d{8}-\d\d:\d\d:\d\d"),
    ],
)
def test_values_that_differ_each_time(text: str, form: bytes) -> None:
    assert re.fullmatch(form, _made(text))


def test_number_that_is_too_large_begins_again_as_with_the_workers() -> None:
    _, expression = Messages(Needs(), "f:1").message(_template('"{n:u1}"'))
    user = User()
    user.message_no = 256
    assert eval(expression, {"self": user}) == struct.pack("B", 1)


def test_value_that_is_used_twice_is_drawn_once() -> None:
    messages = Messages(Needs(), "f:1")
    lines = messages.shared([_template('"{random:8} {n} {user}"'), _template('"{random:8} {user}"')])
    assert lines == ["text = letters(8)"]
    assert messages.expression(_template('"{random:8}!"')) == 'b"%b!" % text'


def test_value_in_a_function_is_drawn_before() -> None:
    messages = Messages(Needs(), "f:1")
    assert messages.shared([], [_template('"{n}"')]) == ['number = b"%d" % (self.message_no + 1)']


@pytest.mark.parametrize("text", ['"{length}{length}"', '"{length}a{crc32}{n}"', '"{<}{n}{length:u1}{>}"'])
def test_message_that_is_left_to_the_user(text: str) -> None:
    with pytest.raises(CannotEject, match=r"^f:1: .*; expected .*; write"):
        Messages(Needs(), "f:1").message(_template(text))


def test_only_right_reply_may_measure_itself() -> None:
    messages, template = Messages(Needs(), "f:1"), _template('"a{length:u2}{n}"')
    assert messages.expected(template)[-1] == "expected = message"
    assert messages.expression(template) == "expected"
    assert messages.expected(_template('"a"')) == []


def test_expectation_measures_nothing() -> None:
    assert measures(_template('"{sum}"'))
    with pytest.raises(CannotEject, match="an expectation that measures itself"):
        Messages(Needs(), "f:1").expression(_template('"{sum}"'))
