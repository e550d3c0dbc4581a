"""Framings as a conversation's file writes them."""

import pytest
import yaml

from rawsocket.wire.framing import (
    Chunk,
    Delimiter,
    Fixed,
    Framing,
    Framings,
    IdleGap,
    LengthField,
    LengthInText,
    LengthPrefixed,
    Line,
    Marks,
    UntilClosed,
    UntilPattern,
    Varint,
)
from rawsocket.wire.framing_words import quoted, written
from tests.support.framings import ALL

WRITTEN: list[tuple[Framing, str]] = [
    (Line(), "line"),
    (Delimiter(b"\r\n"), r'{delimiter: "\r\n"}'),
    (Delimiter(b"\r\n", 1000), r'{delimiter: {end: "\r\n", max: 1000}}'),
    (Fixed(12), "{fixed: 12}"),
    (LengthPrefixed(2), "{length: {size: 2}}"),
    (LengthPrefixed(4, "little", True), "{length: {size: 4, order: little, includes_header: yes}}"),
    (LengthField(1, 2, adjust=-2), "{length: {at: 1, size: 2, adjust: -2}}"),
    (Varint(), "varint"),
    (Varint(1), "{varint: {at: 1}}"),
    (Marks(b"\x0b", b"\x1c\r", skip_between=True), r'{marks: {start: "\x0b", end: "\x1c\r", skip_between: yes}}'),
    (UntilPattern(rb"it's [$#] "), "{until: 'it''s [$#] '}"),
    (LengthInText(b":", rb"(\d+)", b","), """{head: {end: ":", length: '(\\d+)', after: ","}}"""),
    (IdleGap(0.05), "{idle: 50ms}"),
    (UntilClosed(), "eof"),
    (Chunk(), "chunk"),
    (Framings(Line(), UntilClosed()), "{send: line, receive: eof}"),
]


@pytest.mark.parametrize(("framing", "text"), WRITTEN)
def test_written(framing: Framing, text: str) -> None:
    assert written(framing) == text


@pytest.mark.parametrize("framing", [framing for kind in ALL.values() for framing in kind], ids=repr)
def test_each_framing_is_written_as_yaml(framing: Framing) -> None:
    assert isinstance(yaml.safe_load(written(framing)), str | dict)


def test_framing_without_words_is_shown_as_python() -> None:
    class Own(Framing):
        encode = decoder = None  # type: ignore[assignment]

        def __repr__(self) -> str:
            return "Own()"

    assert written(Own()) == "Own()"


def test_quoted() -> None:
    assert quoted(b'a"\\\r\n\t\0\x1b\xff') == r'"a\"\\\r\n\t\0\x1b\xff"'
    assert yaml.safe_load(quoted(b"\x0b\x1c\r")) == "\x0b\x1c\r"
