"""What holds for every framing."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawsocket.conversation.framings import FollowedBy
from rawsocket.conversation.plan import More
from rawsocket.errors import RawSocketError, TooLong
from rawsocket.wire import framing as wire
from rawsocket.wire.framing import (
    Decoder,
    Delimiter,
    Fixed,
    Framing,
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
from tests.support.cuts import byte_by_byte, feed
from tests.support.framings import ALL, FRAMINGS, MLLP, MQTT, decoded, messages, noise, pieces

TOO_LONG_AT = [
    # A framing, the bytes that are no failure yet, and the bytes that make one certain.
    (Line(4), b"1234", b"5"),
    (Delimiter(b"\r\n", 4), b"1234\r", b"5"),
    (Delimiter(b"\r\n", 4), b"1234", b"5"),
    (Delimiter(b"aab", 2), b"aaaa", b"a"),
    (LengthPrefixed(2, max_size=4), b"\0", b"\5"),
    (LengthField(1, 2, max_size=4), b"a\0", b"\2"),
    (LengthField(1, 1, includes_header=True, max_size=4), b"a", b"\5"),
    (Varint(max_size=4), b"", b"\x85"),
    (Varint(max_size=200), b"\xc8", b"\2"),
    (Varint(1, max_size=4), b"a", b"\3"),
    (Marks(b"<", b">>", 4), b"<1234>", b"5"),
    (Marks(b"<", b">>", 4), b"<1234", b"5"),
    (Marks(b"<", b">", 4, skip_between=True), b"123456789<1234", b"5"),
    (LengthInText(b"\r\n", b"(\\d)", max_size=4), b"ab\r", b"c"),
    (LengthInText(b"\r\n", b"(\\d)", max_size=4), b"ab", b"c"),
    (LengthInText(b"|", b"(\\d)", b"!", max_size=4), b"2", b"|"),
    (LengthInText(b"|", b"(\\d+)"), b"9" * 5000, b"|"),
    (FollowedBy(Line(4), (More(b"(?P<n>.)", "n", 0),)), b"3", b"\n"),
    (UntilPattern(b"> ", max_size=4), b"123", b"4"),
    (UntilPattern(b"> $", max_size=4), b"123", b"4"),
    (IdleGap(1, 4), b"1234", b"5"),
    (UntilClosed(max_size=4), b"1234", b"5"),
]


def test_every_framing_is_in_these_tests():
    classes = {value for name in wire.__all__ if isinstance(value := getattr(wire, name), type)}
    framings = {one.__name__ for one in classes if issubclass(one, Framing)} - {"Framing", "Framings", "Chunk"}
    assert (
        framings | {"FollowedBy"}
        == set(ALL)
        == {type(framing).__name__ for framings in ALL.values() for framing in framings}
    )


@pytest.mark.parametrize("kind", FRAMINGS)
@given(data=st.data())
def test_any_messages_come_back_from_any_pieces(kind: str, data: st.DataObject):
    framing = data.draw(st.sampled_from(FRAMINGS[kind]))
    sent = data.draw(st.lists(messages(framing), max_size=6))
    stream = b"".join(framing.encode(message) for message in sent)
    decoder = framing.decoder()
    assert feed(decoder, data.draw(pieces(stream))) == sent
    assert decoder.pending == 0


@pytest.mark.parametrize("kind", ALL)
@given(data=st.data())
def test_any_stream_gives_the_same_messages_and_named_failure_in_any_pieces(kind: str, data: st.DataObject):
    framing = data.draw(st.sampled_from(ALL[kind]))
    stream = data.draw(noise(framing, 0))
    expected = decoded(framing, byte_by_byte(stream))
    assert decoded(framing, [stream]) == expected
    assert decoded(framing, data.draw(pieces(stream))) == expected


@pytest.mark.parametrize("kind", ALL)
@settings(max_examples=40)
@given(data=st.data())
def test_rest_is_what_was_not_decoded_and_leaves_a_fresh_decoder(kind: str, data: st.DataObject):
    framing = data.draw(st.sampled_from([one for one in ALL[kind] if not getattr(one, "skip_between", False)]))
    sent = data.draw(st.lists(messages(framing), max_size=3)) if kind in FRAMINGS else []
    whole = b"".join(framing.encode(message) for message in sent)
    tail = data.draw(noise(framing, 0))
    decoder = framing.decoder()
    found: list[bytes] = []
    try:
        for piece in data.draw(pieces(whole + tail)):
            found += decoder.feed(piece)
    except RawSocketError:
        pass
    else:
        assert decoder.pending <= len(whole + tail)
        rest = decoder.rest()
        assert b"".join(framing.encode(message) for message in found) + rest == whole + tail or kind == "Varint"
        assert (whole + tail).endswith(rest)
    decoder.rest()
    assert decoder.pending == 0
    assert decoder.rest() == b""
    assert feed(decoder, [whole]) == sent


@pytest.mark.parametrize(("framing", "before", "last"), TOO_LONG_AT, ids=str)
def test_too_long_is_raised_as_soon_as_it_is_certain(framing: Framing, before: bytes, last: bytes):
    for cut in (lambda stream: [stream], byte_by_byte):
        decoder = framing.decoder()
        assert feed(decoder, cut(before)) == []
        with pytest.raises(TooLong):
            decoder.feed(last)
        assert decoder.rest()[-1:] == last


LIMITED: list[tuple[Framing, bytes, bytes]] = [
    # A framing, a message at its limit, and a frame that is over it.
    (Line(4), b"1234", b"12345\n"),
    (Delimiter(b"\r\n", 4), b"1234", b"12345\r\n"),
    (LengthPrefixed(2, max_size=4), b"1234", b"\0\x0512345"),
    (LengthField(1, 1, max_size=4), b"a\x0212", b"a\x03123"),
    (Varint(max_size=4), b"1234", b"\x0512345"),
    (Varint(1, max_size=4), b"a\x0212", b"a\x03123"),
    (Marks(b"<", b">", 4), b"1234", b"<12345>"),
    (UntilPattern(b"> ", max_size=4), b"12> ", b"123> "),
]


@pytest.mark.parametrize(("framing", "message", "over"), LIMITED, ids=str)
def test_messages_at_the_limit_are_returned_before_too_long_is_raised(framing: Framing, message: bytes, over: bytes):
    decoder = framing.decoder()
    assert decoder.feed(framing.encode(message) * 2 + over) == [message] * 2
    assert decoder.pending
    for data in (b"", b"more"):
        with pytest.raises(TooLong):
            decoder.feed(data)
    assert decoded(framing, byte_by_byte(framing.encode(message) * 2 + over)) == [message, message, TooLong]


class CountingBuffer(bytearray):
    """Counts the bytes that are copied, compared or searched."""

    touched = 0

    def __getitem__(self, key):
        found = super().__getitem__(key)
        self.touched += len(found) if isinstance(key, slice) else 1
        return found

    def __setitem__(self, key, value):
        self.touched += len(self)
        super().__setitem__(key, value)

    def __delitem__(self, key):
        self.touched += len(self) - len(range(*key.indices(len(self)))) if key.indices(len(self))[0] else 0
        super().__delitem__(key)

    def __iadd__(self, data):
        self.touched += len(data)
        return super().__iadd__(data)

    def find(self, sub, begin=0):
        found = super().find(sub, begin)
        self.touched += (found + len(sub) if found >= 0 else len(self)) - begin
        return found

    def endswith(self, tail):
        self.touched += len(tail)
        return super().endswith(tail)


class CountingPattern:
    """Counts the bytes that a pattern may look at."""

    def __init__(self, pattern, buffer: CountingBuffer) -> None:
        self._pattern, self._buffer = pattern, buffer

    def search(self, data, begin, end=None):
        self._buffer.touched += (len(data) if end is None else end) - begin
        return self._pattern.search(data, begin, *([] if end is None else [end]))

    def finditer(self, data, begin, end):
        self._buffer.touched += end - begin
        return self._pattern.finditer(data, begin, end)


def counting(framing: Framing) -> tuple[Decoder, CountingBuffer]:
    decoder, buffer = framing.decoder(), CountingBuffer()
    decoder._buffer = buffer
    if hasattr(decoder, "_pattern"):
        decoder._pattern = CountingPattern(decoder._pattern, buffer)
    return decoder, buffer


def in_reads(stream: bytes) -> list[bytes]:
    return [stream[at : at + 16_384] for at in range(0, len(stream), 16_384)]


def pattern_message(size: int) -> bytes:
    return b"x" * (size - 2) + b"$ "


BIG = 10_000_000
LARGE: list[tuple[Framing, Callable[[int], bytes]]] = [
    (Line(BIG), bytes),
    (Delimiter(b"\r\n", BIG), b"\r".__mul__),
    (Fixed(1), lambda size: b"x"),
    (LengthPrefixed(4, max_size=BIG), bytes),
    (LengthField(2, max_size=BIG), lambda size: LengthField(2).frame(b"ab", bytes(size))),
    (Varint(max_size=BIG), bytes),
    (Varint(1, max_size=BIG), lambda size: MQTT.frame(b"0", bytes(size))),
    (Marks(b"\x0b", b"\x1c\r", BIG), b"\x1c".__mul__),
    (LengthInText(b"\r\n", rb"^\$(\d+)", b"\r\n", BIG), lambda size: b"$%d\r\n%s\r\n" % (size, bytes(size))),
    (LengthInText(b"\r\n\r\n", rb"^\$(\d+)", max_size=BIG), lambda size: bytes(size) + b"\r\n\r\n"),
    (UntilPattern(rb"\$ ", 16, BIG), pattern_message),
    (UntilPattern(rb"\$ $", 16, BIG), pattern_message),
]


@pytest.mark.parametrize(("framing", "make"), LARGE, ids=lambda value: str(value) if isinstance(value, Framing) else "")
@pytest.mark.parametrize("cut", [byte_by_byte, in_reads])
def test_cost_of_a_byte_does_not_grow_with_the_message(framing: Framing, make: Callable[[int], bytes], cut):
    costs = []
    for size in (4_000, 16_000):
        decoder, buffer = counting(framing)
        stream = framing.encode(make(size))
        assert feed(decoder, cut(stream)) == [make(size)]
        costs.append(buffer.touched / len(stream))
    assert costs[1] < costs[0] * 1.1 + 1


@pytest.mark.parametrize(("framing", "make"), LARGE, ids=lambda value: str(value) if isinstance(value, Framing) else "")
def test_cost_of_a_message_does_not_grow_with_their_number_in_one_read(framing: Framing, make: Callable[[int], bytes]):
    costs = []
    for number in (1_000, 4_000):
        decoder, buffer = counting(framing)
        assert feed(decoder, [framing.encode(make(5)) * number]) == [make(5)] * number
        costs.append(buffer.touched / number)
    assert costs[1] < costs[0] * 1.1 + 1


@pytest.mark.parametrize(
    "framing",
    [
        Line(BIG),
        Fixed(1_000_000),
        LengthPrefixed(4, max_size=BIG),
        LengthField(max_size=BIG),
        Varint(max_size=BIG),
        Marks(b"<", b">", BIG),
        UntilPattern(b"[$] ", max_size=BIG),
    ],
    ids=str,
)
def test_message_of_a_megabyte_comes_back_whole(framing: Framing):
    message = (
        LengthField().frame(b"", bytes(999_996)) if isinstance(framing, LengthField) else pattern_message(1_000_000)
    )
    stream = framing.encode(message) * 2
    assert feed(framing.decoder(), in_reads(stream)) == [message] * 2
    assert feed(framing.decoder(), [stream]) == [message] * 2


@pytest.mark.parametrize("framing", [Line(), Delimiter(b"||"), LengthPrefixed(), Varint(), MLLP], ids=str)
def test_message_of_no_bytes_comes_back(framing: Framing):
    for cut in (lambda stream: [stream], byte_by_byte):
        assert feed(framing.decoder(), cut(framing.encode(b"") * 3)) == [b""] * 3


@pytest.mark.parametrize("kind", FRAMINGS)
def test_end_of_the_stream_completes_no_message(kind: str):
    for framing in FRAMINGS[kind]:
        decoder = framing.decoder()
        if framing != Fixed(1):
            assert decoder.feed(getattr(framing, "start", b"\xff")[:1]) in ([], [b""])
        assert decoder.end() == decoder.gap() == []
        assert framing.gap is None
        assert not framing.ends_with_connection
        assert framing.symmetric == (kind not in ("FollowedBy", "LengthInText", "UntilPattern"))
