"""A user's own framing and decoder: what they must have, and what they get by default."""

import pytest

from rawsocket.wire.framing_base import Decoder, Framing, Framings, rest_of
from rawsocket.wire.framing_lengths import Fixed, LengthPrefixed
from rawsocket.wire.framing_marks import Line
from rawsocket.wire.framing_unframed import IdleGap, UntilClosed
from rawsocket.wire.receive_buffer import ReceiveBuffer


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


def test_framings_send_in_one_framing_and_receive_in_another():
    framing = Framings(send=LengthPrefixed(1), receive=Line())
    assert framing.encode(b"ask") == b"\3ask"
    assert framing.decoder().feed(b"one\ntwo\n") == [b"one", b"two"]
    assert framing.delimits
    assert not framing.symmetric
    assert repr(framing).startswith("Framings(send=")


def test_framings_end_a_message_as_the_framing_of_what_arrives_does():
    assert Framings(Line(), IdleGap(0.5)).gap == 0.5
    assert Framings(Line(), UntilClosed()).ends_with_connection
    assert Framings(IdleGap(0.5), Line()).gap is None
    assert Framings(Line(), Framings(Line(), Fixed(3))).decoder().feed(b"abc") == [b"abc"]


def test_unread_messages_go_back_to_the_frames_in_which_they_arrived():
    buffer = ReceiveBuffer(Framings(send=LengthPrefixed(1), receive=Line()))
    buffer.feed(b"one\ntw", 1.0, inside=False)
    assert buffer.take_undecoded() == b"one\ntw"


def test_framings_of_something_else_are_refused():
    with pytest.raises(TypeError, match=r"^Framings\(receive=3\): must be a framing, like Line\(\)$"):
        Framings(Line(), 3)  # type: ignore[arg-type]
