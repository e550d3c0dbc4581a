import pytest

from rawsocket.errors import TooLong
from rawsocket.wire.framing_unframed import Chunk, IdleGap, UntilClosed
from tests.support.cuts import CUTS, feed


def test_each_read_is_one_chunk():
    decoder = Chunk().decoder()
    assert feed(decoder, [b"a", b"", b"bc"]) == [b"a", b"bc"]
    assert decoder.pending == 0
    assert decoder.end() == decoder.gap() == []
    assert decoder.rest() == b""


@pytest.mark.parametrize("cut", CUTS)
def test_message_is_what_came_before_a_gap_or_the_end(cut):
    framing = IdleGap(0.25)
    assert framing.gap == 0.25
    assert not framing.ends_with_connection
    decoder = framing.decoder()
    assert feed(decoder, cut(b"first")) == []
    assert decoder.pending == 5
    assert decoder.gap() == [b"first"]
    assert decoder.pending == 0
    assert decoder.gap() == []
    assert feed(decoder, cut(b"second")) == []
    assert decoder.end() == [b"second"]
    assert decoder.end() == []


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("size", [1, 5, 50_000])
def test_message_is_all_that_came_before_the_connection_was_closed(cut, size: int):
    framing = UntilClosed()
    assert framing.gap is None
    assert framing.ends_with_connection
    decoder = framing.decoder()
    assert feed(decoder, cut(bytes(size))) == []
    assert decoder.gap() == []
    assert decoder.end() == [bytes(size)]
    assert decoder.pending == 0


def test_connection_closed_without_a_byte_has_no_message_unless_empty_ones_are_allowed():
    assert UntilClosed().decoder().end() == []
    assert UntilClosed(empty=True).decoder().end() == [b""]


@pytest.mark.parametrize("framing", [IdleGap(1), UntilClosed()], ids=str)
def test_rest_is_what_was_gathered(framing):
    decoder = framing.decoder()
    decoder.feed(b"ab")
    assert decoder.rest() == b"ab"
    assert decoder.end() == []


@pytest.mark.parametrize("framing", [IdleGap(1, 4), UntilClosed(max_size=4)], ids=str)
def test_message_at_the_limit_is_returned_and_a_longer_one_raises_too_long(framing):
    decoder = framing.decoder()
    decoder.feed(b"1234")
    assert decoder.end() == [b"1234"]
    with pytest.raises(TooLong):
        decoder.feed(b"12345")


@pytest.mark.parametrize("framing", [Chunk(), IdleGap(1), UntilClosed()], ids=str)
def test_payload_is_sent_as_it_is(framing):
    assert framing.encode(b"a") == b"a"
    assert framing.symmetric == isinstance(framing, Chunk)
    with pytest.raises(ValueError, match="an empty message can't be sent without a frame"):
        framing.encode(b"")


@pytest.mark.parametrize(
    "make", [lambda: IdleGap(0), lambda: IdleGap(-1), lambda: IdleGap(1, 0), lambda: UntilClosed(max_size=0)]
)
def test_invalid_framing_is_a_value_error(make):
    with pytest.raises(ValueError, match=r"above 0|at least 1"):
        make()
