"""The length that a message has of itself, as values."""

import pytest

from lab.recording.messages.secrets import MARK
from lab.recording.script.differences import Hole, Varied, compared
from lab.recording.script.length_fields import announcement, with_inner_length
from rawsocket.wire.framing import Framing, LengthField, Line, Varint

HIDDEN = MARK + b"password" + MARK


def _written(framing: Framing, *messages: bytes) -> Varied:
    """The parts of messages that vary, with `#` for each difference."""
    lengths = [announcement(framing, message) for message in messages]
    pairs = enumerate(zip(lengths, messages, strict=True))
    apart = {(at, 0): length.apart(message) for at, (length, message) in pairs if length}
    assert lengths[0]
    head, rest = (compared({key: each[part] for key, each in apart.items()}) for part in (0, 1))
    return ["#" if isinstance(each, Hole) else each for each in lengths[0].joined(head, rest) or []]


@pytest.mark.parametrize(
    ("framing", "messages", "written"),
    [
        (Varint(1), (b"\x30\5\0\1aab", b"\x30\6\0\1aabc"), [b"\x30", "{length:varint}", b"\0\1aab", "#"]),
        (LengthField(4, 2), (b"\0\1\0\0\0\2\1a", b"\0\2\0\0\0\3\1ab"), ["#", b"\0\0", "{length:u2}", b"\1a", "#"]),
        (LengthField(1, 4, "big", -4), (b"p\0\0\0\6ab", b"p\0\0\0\7abc"), [b"p", "{<}", "{length:u4}", "#", "{>}"]),
        (LengthField(0, 2, "little", -2, max_size=99), (b"\4\0ab", b"\5\0abc"), ["{<}", "{length:u2le}", "#", "{>}"]),
        (LengthField(1, 2, "big", 1), (b"\1\0\1a\xce", b"\1\0\2bb\xce"),
         [b"\1", "{length:u2}", "{<}", "#", "{>}", b"\xce"]),
        (LengthField(1, 1, "big", -2), (b"\1\3a", b"\1\4ab"), ["{<}", b"\1", "{length:u1}", "#", "{>}"]),
    ],
)  # fmt: skip
def test_length_is_a_value(framing: Framing, messages: tuple[bytes, ...], written: Varied) -> None:
    assert _written(framing, *messages) == written


def test_bytes_that_a_length_leaves_out_have_to_be_known() -> None:
    assert _written(LengthField(1, 1, "big", 2), b"\1\1abc", b"\1\2abcd") == []


def test_first_message_of_postgresql_begins_with_its_length() -> None:
    found = announcement(LengthField(1, 4, "big", -4), b"\0\0\0\x0a\0\3\0\0ab")
    assert found
    assert (found.at, found.value) == (0, "{length:u4}")


@pytest.mark.parametrize(
    ("framing", "message"),
    [
        (Line(), b"a"),
        (Varint(), b"a"),
        (Varint(1), b"\1\5a"),
        (LengthField(0, 3), b"\0\0\1a"),
        (LengthField(4, 2), b"\1\2"),
    ],
)
def test_message_without_a_length_that_can_be_written(framing: Framing, message: bytes) -> None:
    assert announcement(framing, message) is None


def test_length_of_a_secret_at_the_end() -> None:
    assert (
        with_inner_length(b"\0\4user\0\6s3cret", b"\0\4user\0\6" + HIDDEN)
        == b"\0\4user" + MARK + b"length:u2" + MARK + HIDDEN
    )
    for message, hidden in (
        (b"ab", b"ab"),
        (b"\0\7s3cret", b"\0\7" + HIDDEN),
        (b"\0\6s3cret\0", b"\0\6" + HIDDEN + b"\0"),
    ):
        assert with_inner_length(message, hidden) == hidden
