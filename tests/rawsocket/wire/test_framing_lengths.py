import pytest

from rawsocket.errors import TooLong, Wrong
from rawsocket.wire.framing_lengths import Fixed, LengthField, LengthPrefixed, Varint
from tests.support.cuts import CUTS, feed
from tests.support.framings import BGP, MEMCACHED, MODBUS, MQTT, MYSQL, POSTGRES, PROTOBUF, decoded


@pytest.mark.parametrize(
    ("framing", "payload", "frame"),
    [
        (Fixed(1), b"a", b"a"),
        (LengthPrefixed(1), b"a", b"\x01a"),
        (LengthPrefixed(2, "little"), b"a", b"\x01\x00a"),
        (LengthPrefixed(4, "big", True), b"a", b"\x00\x00\x00\x05a"),
        (LengthPrefixed(8, "little", True), b"a", b"\x09\0\0\0\0\0\0\0a"),
        (PROTOBUF, b"a", b"\x01a"),
        (PROTOBUF, bytes(300), b"\xac\x02" + bytes(300)),
    ],
)
def test_header_of_a_frame_is_added_and_removed(framing, payload: bytes, frame: bytes):
    assert framing.encode(payload) == frame
    assert feed(framing.decoder(), [frame]) == [payload]


WHOLE = [
    # A framing, what comes before the length, what comes after it, and the frame.
    (MODBUS, b"\0\1\0\0", b"\x11\3\0\x6b\0\3", b"\0\1\0\0\0\6\x11\3\0\x6b\0\3"),
    (POSTGRES, b"Q", b"select 1\0", b"Q\0\0\0\x0dselect 1\0"),
    (POSTGRES, b"S", b"", b"S\0\0\0\4"),
    (MEMCACHED, b"\x80\0\0\3\0\0\0\0", bytes(12) + b"key", b"\x80\0\0\3\0\0\0\0\0\0\0\3" + bytes(12) + b"key"),
    (MYSQL, b"", b"\0\x0e", b"\1\0\0\0\x0e"),
    (BGP, b"\xff" * 16, b"\4", b"\xff" * 16 + b"\0\x13\4"),
    (LengthField(1, 3), b"a", b"bc", b"a\0\0\2bc"),
    (MQTT, b"\xc0", b"", b"\xc0\0"),
    (MQTT, b"\x30", bytes(321), b"\x30\xc1\2" + bytes(321)),
]


@pytest.mark.parametrize(("framing", "head", "body", "frame"), WHOLE, ids=str)
@pytest.mark.parametrize("cut", CUTS)
def test_message_of_a_protocol_with_a_header_is_the_whole_frame(framing, head, body, frame, cut):
    assert framing.frame(head, body) == frame
    assert framing.encode(frame) == frame
    assert feed(framing.decoder(), cut(frame * 2)) == [frame, frame]


@pytest.mark.parametrize(
    ("framing", "payload"),
    [
        (MODBUS, b""),
        (MODBUS, b"\0\1\0\0\0"),
        (MODBUS, b"\0\1\0\0\0\0\x11"),
        (MODBUS, b"\0\1\0\0\0\2\x11"),
        (MQTT, b""),
        (MQTT, b"\xc0"),
        (MQTT, b"\xc0\1"),
        (MQTT, b"\xc0\0\0"),
        (MQTT, b"\xc0\x80"),
    ],
)
def test_whole_frame_with_a_wrong_length_is_a_value_error(framing, payload: bytes):
    with pytest.raises(ValueError, match=r"is not a whole frame of .*frame\(head, body\) makes a frame"):
        framing.encode(payload)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: MODBUS.frame(b"", b"x"), "0 bytes before the length: must be exactly 4"),
        (lambda: MQTT.frame(b"ab", b"x"), "2 bytes before the length: must be exactly 1"),
        (lambda: LengthField(0, 1).frame(b"", bytes(256)), "a length of 256 doesn't fit into 1 bytes"),
        (lambda: MEMCACHED.frame(bytes(8), b""), "a length of -12 doesn't fit"),
        (lambda: Fixed(2).encode(b"a"), "must have exactly 2"),
        (lambda: LengthPrefixed(1).encode(b"x" * 256), "length of 256"),
        (lambda: LengthPrefixed(1, counts_header=True).encode(b"x" * 255), "length of 256"),
        (lambda: Fixed(0), "at least 1"),
        (lambda: LengthPrefixed(3), "must be 1, 2, 4 or 8"),
        (lambda: LengthPrefixed(4, "middle"), "'big' or 'little'"),
        (lambda: LengthField(-1), "0 or more"),
        (lambda: LengthField(0, 9), "must be 1 to 8"),
        (lambda: LengthField(0, 4, "middle"), "'big' or 'little'"),
        (lambda: LengthField(max_size=0), "at least 1"),
        (lambda: Varint(-1), "0 or more"),
        (lambda: Varint(max_size=0), "at least 1"),
    ],
)
def test_unencodable_payload_or_invalid_framing_is_a_value_error(call, says: str):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize("cut", CUTS)
def test_length_that_no_frame_can_have_is_a_named_failure(cut):
    assert decoded(LengthPrefixed(2, counts_header=True), cut(b"\0\1")) == [TooLong]
    assert decoded(POSTGRES, cut(b"S\0\0\0\4S\0\0\0\3")) == [b"S\0\0\0\4", Wrong]
    assert decoded(BGP, cut(bytes(18))) == [Wrong]
    assert decoded(PROTOBUF, cut(b"\x80" * 9 + b"\0")) == [b""]
    assert decoded(PROTOBUF, cut(b"\x80" * 10)) == [Wrong]
    assert decoded(MQTT, cut(b"0" + b"\xff" * 10)) == [TooLong]
