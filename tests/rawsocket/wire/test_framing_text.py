"""What LengthInText makes of heads; what holds for every framing is in test_framing.py."""

import pytest

from rawsocket.errors import TooLong, Wrong
from rawsocket.wire.framing import LengthInText
from tests.support.cuts import byte_by_byte, feed
from tests.support.framings import HTTP, NATS, REDIS, decoded


def both(framing: LengthInText, stream: bytes) -> list[object]:
    """What a stream decodes to, whole and byte by byte."""
    found: list[object] = [*decoded(framing, [stream])]
    assert found == decoded(framing, byte_by_byte(stream))
    return found


def test_http_body_may_look_like_a_head():
    body = b"a\r\n\r\nContent-Length: 9\r\n\r\n"
    page = b"HTTP/1.1 200 OK\r\ncontent-LENGTH:%d\r\nX: y\r\n\r\n%s" % (len(body), body)
    nothing = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert both(HTTP, page + nothing + page) == [page, nothing, page]


def test_head_that_announces_nothing_is_a_message():
    assert both(NATS, b"INFO {}\r\nMSG a 1 2\r\n\r\n\r\nPING\r\n") == [
        b"INFO {}\r\n",
        b"MSG a 1 2\r\n\r\n\r\n",
        b"PING\r\n",
    ]


def test_body_of_no_bytes_and_no_body():
    assert both(REDIS, b"$0\r\n\r\n$1\r\na\r\n$-1\r\n") == [b"$0\r\n\r\n", b"$1\r\na\r\n", b"$-1\r\n"]


def test_other_bytes_after_the_body_are_wrong():
    assert both(REDIS, b"+OK\r\n$1\r\nabc\r\n") == [b"+OK\r\n", Wrong]


def test_length_that_is_no_number_is_wrong():
    framing = LengthInText(b"|", rb"size=(\w+)")
    assert both(framing, b"size=2|ab" + b"size=x|ab") == [b"size=2|ab", Wrong]
    with pytest.raises(Wrong, match="wrong") as raised:
        feed(framing.decoder(), [b"size=x|"])
    assert "b'x' is no length" in raised.value.detail


def test_announced_length_over_the_limit_is_too_long_before_it_arrives():
    framing = LengthInText(b"|", rb"(\d+)", max_size=10)
    assert both(framing, b"7|1234567" + b"99|") == [b"7|1234567", TooLong]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"end": b"", "pattern": rb"(\d)"}, "at least one byte"),
        ({"end": b"|", "pattern": rb"\d"}, "exactly one group"),
        ({"end": b"|", "pattern": rb"(\d)(\d)"}, "exactly one group"),
        ({"end": b"|", "pattern": rb"(\d"}, "not a regular expression"),
        ({"end": b"|", "pattern": r"(\d)", "max_size": 0}, "must be at least 1"),
    ],
)
def test_arguments_that_make_no_sense(arguments: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        LengthInText(**arguments)  # type: ignore[arg-type]
