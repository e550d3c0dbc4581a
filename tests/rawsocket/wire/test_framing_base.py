"""A user's own framing and decoder: what they must have, and what they get by default."""

import pytest

from rawsocket.wire.framing_base import Decoder, Framing, rest_of


class Own(Framing):
    def encode(self, payload: bytes) -> bytes:
        return payload + b";"

    def decoder(self) -> Decoder:
        return OwnDecoder()


class OwnDecoder(Decoder):
    """Has only what a decoder must have."""

    def __init__(self) -> None:
        self.buffer = b""

    @property
    def pending(self) -> int:
        return len(self.buffer)

    def feed(self, data: bytes) -> list[bytes]:
        *messages, self.buffer = (self.buffer + data).split(b";")
        return messages


class DecoderWithRestAttribute(OwnDecoder):
    """Has an attribute where a decoder now has a method."""

    rest = b""  # type: ignore[assignment]


def test_framing_with_only_encode_and_decoder_ends_messages_by_its_frames_alone():
    framing = Own()
    assert framing.delimits
    assert framing.symmetric
    assert framing.gap is None
    assert not framing.ends_with_connection


def test_decoder_with_only_feed_and_pending_completes_nothing_at_an_end_or_gap():
    decoder = Own().decoder()
    assert decoder.feed(b"a;b") == [b"a"]
    assert decoder.end() == decoder.gap() == []
    assert decoder.pending == 1
    assert decoder.feed(b";") == [b"b"]
    assert decoder.rest() == rest_of(decoder) == b""


def test_decoder_without_rest_does_not_lose_bytes_silently():
    decoder = Own().decoder()
    decoder.feed(b"a;bc")
    with pytest.raises(NotImplementedError, match=r"OwnDecoder has 2 undecoded bytes .* give it a method rest\(\)"):
        rest_of(decoder)


def test_decoder_with_an_attribute_named_rest_keeps_working():
    decoder = DecoderWithRestAttribute()
    assert decoder.feed(b"a;b") == [b"a"]
    with pytest.raises(NotImplementedError, match=r"give it a method rest\(\)"):
        rest_of(decoder)
