"""What is special to the framings of plans; what holds for every framing is in tests/rawsocket/wire/test_framing.py."""

import pytest

from rawsocket.conversation.framings import PIECE, FollowedBy, framing_of
from rawsocket.conversation.plan import FramingPlan, More
from rawsocket.errors import TooLong, Wrong
from rawsocket.wire.framing import Delimiter, Fixed, Framings, LengthField, LengthPrefixed, Line, Marks, Varint
from tests.support.cuts import byte_by_byte
from tests.support.framings import BULK, decoded


def test_framing_of_a_plan() -> None:
    assert framing_of(FramingPlan("LengthField", {"offset": 4, "size": 2})) == LengthField(offset=4, size=2)
    assert isinstance(framing_of(FramingPlan("Line", {})), Line)
    with pytest.raises(ValueError, match="must be 1, 2, 4 or 8"):
        framing_of(FramingPlan("LengthPrefixed", {"size": 3}))


def test_framing_of_each_direction() -> None:
    arguments = {"send": FramingPlan("Line", {}), "receive": FramingPlan("Fixed", {"size": 4})}
    made = framing_of(FramingPlan("Framings", arguments))
    assert (made.encode(b"a"), made.receives) == (b"a\n", Fixed(4))


def test_only_what_arrives_is_followed_by_raw_bytes() -> None:
    made = framing_of(FramingPlan("Delimiter", {"mark": b"\r\n"}, BULK.more))
    assert isinstance(made, Framings)
    assert made.receives == BULK
    assert made.encode(b"$5") == b"$5\r\n"
    receive = FramingPlan("Framings", {"send": FramingPlan("Line", {}), "receive": FramingPlan("Fixed", {"size": 2})})
    both = framing_of(FramingPlan(receive.name, receive.arguments, BULK.more))
    assert (both.encode(b"a"), both.receives) == (b"a\n", FollowedBy(Fixed(2), BULK.more))


def test_raw_bytes_belong_to_the_message() -> None:
    stream = b"+OK\r\n$5\r\na\r\nbc\r\n$0\r\n\r\n$x\r\nb\r\n123b\r\n\r\n"
    found = [b"+OK", b"$5\r\na\r\nbc\r\n", b"$0\r\n\r\n", b"$x", b"b\r\n123", b"b\r\n\r\n"]
    assert decoded(BULK, [stream]) == decoded(BULK, byte_by_byte(stream)) == found[:-1]
    assert decoded(BULK, [stream + b"!"]) == [*found[:-1], b"b\r\n\r\n!"]
    assert [BULK.head(message) for message in found[:3]] == [b"+OK", b"$5", b"$0"]
    assert BULK.encode(found[1]) == found[1]


def test_frame_that_is_the_whole_message_may_be_followed_as_well() -> None:
    framing = FollowedBy(LengthField(1, 1), (More(b"^d(?P<n>.)", "n", -40),))
    with pytest.raises(Wrong) as raised:
        framing.decoder().feed(b"d\0")
    assert "b'\\x00' is no length" in raised.value.detail
    framing = FollowedBy(LengthField(1, 1), (More(b"^d.(?P<n>\\d+)", "n", 1),))
    stream = b"a\0d\x012123d\x02a1"
    assert decoded(framing, [stream]) == decoded(framing, byte_by_byte(stream)) == [b"a\0", b"d\x012123", b"d\x02a1"]
    assert framing.head(b"d\x012123") == b"d\x012"


def test_bytes_far_behind_a_frame_are_not_decoded_in_vain() -> None:
    stream = b"$3\r\nabc\r\n" * 1000 + b"+OK\r\n" * PIECE
    assert decoded(BULK, [stream]) == [b"$3\r\nabc\r\n"] * 1000 + [b"+OK"] * PIECE


def test_failure_behind_raw_bytes_comes_after_the_messages() -> None:
    framing = FollowedBy(Delimiter(b"\r\n", 20), BULK.more)
    for stream in (b"$1\r\na\r\n" + b"x" * 30, b"$1\r\na\r\n$99\r\n"):
        assert decoded(framing, [stream]) == decoded(framing, byte_by_byte(stream)) == [b"$1\r\na\r\n", TooLong]
    assert decoded(BULK, [b"$1\r\na\r\n$" + b"9" * 30 + b"\r\n"]) == [b"$1\r\na\r\n", TooLong]
    negative = FollowedBy(Line(), (More(b"(?P<n>\\d)", "n", -2),))
    assert decoded(negative, [b"2\n1\n"]) == [b"2\n", Wrong]


@pytest.mark.parametrize("framing", [LengthPrefixed(), Marks(b"<", b">"), Varint()], ids=str)
def test_framing_whose_frames_cant_be_told_from_what_follows_is_refused(framing) -> None:
    with pytest.raises(ValueError, match="raw bytes can't follow a message of"):
        FollowedBy(framing, BULK.more)
