import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawsocket.errors import TooLong
from rawsocket.wire.framing import Chunk, Delimiter, Fixed, Framing, LengthPrefixed, Line
from tests.support.cuts import CUTS, byte_by_byte, feed

LENGTHS = [
    LengthPrefixed(size, order, counts)
    for size in (1, 2, 4, 8)
    for order in ("big", "little")
    for counts in (False, True)
]
FRAMINGS: list[Framing] = [Line(), Delimiter(b"\0"), Delimiter(b"\r\n"), Delimiter(b"--\r\n--"), Fixed(5), *LENGTHS]
MESSAGES = [b"hello", b"-\r-\n-\r-", b"12345"]


@pytest.fixture(params=FRAMINGS, ids=str)
def framing(request: pytest.FixtureRequest) -> Framing:
    return request.param


def messages_for(framing: Framing) -> list[bytes]:
    if isinstance(framing, Line):
        return [b"hello", b"", b"ends in cr\r", b"x" * 100]
    if isinstance(framing, Fixed):
        return [b"hello", b"12345"]
    return [*MESSAGES, b"", b"x" * 100]


@pytest.mark.parametrize("cut", CUTS)
def test_decoder_returns_messages_from_each_cut_and_keeps_the_tail(framing: Framing, cut):
    messages = messages_for(framing)
    frames = [framing.encode(message) for message in messages]
    tail = frames[0][:-1]
    decoder = framing.decoder()
    assert feed(decoder, cut(b"".join(frames) + tail)) == messages
    assert decoder.pending == len(tail)
    assert feed(decoder, [frames[0][-1:]]) == messages[:1]
    assert decoder.pending == 0


@given(data=st.data())
def test_decoder_returns_any_messages_from_any_cut(data: st.DataObject):
    framing = data.draw(st.sampled_from(FRAMINGS))
    size = st.just(5) if isinstance(framing, Fixed) else st.integers(0, 200)
    messages = []
    for length in data.draw(st.lists(size, max_size=5)):
        message = data.draw(st.binary(min_size=length, max_size=length))
        if isinstance(framing, Delimiter) and (message + framing.mark).find(framing.mark) < length:
            continue
        messages.append(message)
    stream = b"".join(framing.encode(message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    decoder = framing.decoder()
    assert feed(decoder, pieces) == messages
    assert decoder.pending == 0


@given(st.binary(max_size=300), st.sampled_from(FRAMINGS))
def test_garbage_is_decoded_or_raises_too_long(garbage: bytes, framing: Framing):
    decoder = framing.decoder()
    try:
        feed(decoder, byte_by_byte(garbage))
    except TooLong:
        return
    assert 0 <= decoder.pending <= len(garbage)


@pytest.mark.parametrize(
    ("framing", "frame"),
    [
        (Line(), b"a\n"),
        (Delimiter(b"||"), b"a||"),
        (Fixed(1), b"a"),
        (LengthPrefixed(1), b"\x01a"),
        (LengthPrefixed(2, "little"), b"\x01\x00a"),
        (LengthPrefixed(4, "big", True), b"\x00\x00\x00\x05a"),
        (LengthPrefixed(8, "little", True), b"\x09\0\0\0\0\0\0\0a"),
        (Chunk(), b"a"),
    ],
)
def test_bytes_of_a_frame(framing: Framing, frame: bytes):
    assert framing.encode(b"a") == frame


@pytest.mark.parametrize("framing", [Line(4), Delimiter(b"\r\n", 4), LengthPrefixed(2, max_size=4)])
@pytest.mark.parametrize("cut", CUTS)
def test_message_at_the_limit_passes_and_longer_one_raises_too_long(framing: Framing, cut):
    assert feed(framing.decoder(), cut(framing.encode(b"1234"))) == [b"1234"]
    with pytest.raises(TooLong):
        feed(framing.decoder(), cut(framing.encode(b"12345")))


@pytest.mark.parametrize("framing", [Line(4), Delimiter(b"\r\n", 4), LengthPrefixed(2, max_size=4)])
def test_decoder_returns_complete_messages_before_it_raises_too_long(framing: Framing):
    decoder = framing.decoder()
    assert decoder.feed(framing.encode(b"1234") + framing.encode(b"12345")) == [b"1234"]
    with pytest.raises(TooLong):
        decoder.feed(b"")


def test_too_long_is_raised_before_the_end_mark_arrives():
    with pytest.raises(TooLong):
        Line(4).decoder().feed(b"12345")
    # The last byte may be the first one of the mark.
    assert Delimiter(b"\r\n", 4).decoder().feed(b"1234\r") == []


def test_length_below_the_header_size_raises_too_long():
    with pytest.raises(TooLong):
        LengthPrefixed(2, counts_header=True).decoder().feed(b"\0\1")


def test_each_read_is_one_chunk():
    decoder = Chunk().decoder()
    assert feed(decoder, [b"a", b"", b"bc"]) == [b"a", b"bc"]
    assert decoder.pending == 0


@pytest.mark.parametrize(
    ("framing", "payload"),
    [
        (Line(), b"a\nb"),
        (Delimiter(b"aa"), b"ba"),
        (Fixed(2), b"a"),
        (LengthPrefixed(1), b"x" * 256),
        (LengthPrefixed(1, counts_header=True), b"x" * 255),
        (Chunk(), b""),
    ],
)
def test_unencodable_payload_is_a_value_error(framing: Framing, payload: bytes):
    with pytest.raises(ValueError, match=r"message|length"):
        framing.encode(payload)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Delimiter(b""),
        lambda: Line(0),
        lambda: Fixed(0),
        lambda: LengthPrefixed(3),
        lambda: LengthPrefixed(4, "middle"),
    ],
)
def test_invalid_framing_is_a_value_error(make):
    with pytest.raises(ValueError, match=r"."):
        make()
