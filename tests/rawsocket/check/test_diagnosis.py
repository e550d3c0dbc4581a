"""What may be wrong if a check has failed."""

from typing import Any

import pytest

from rawsocket.check.diagnosis import Seen, hints, is_tls
from rawsocket.wire.framing import Chunk, Delimiter, Framing, Framings, LengthField, LengthPrefixed, Line, Marks, Varint


def _hints(framing: Framing, received: list[bytes], failure: str = "reply-timeout", **more: Any) -> str:
    """The hints for bytes that came without a whole frame."""
    facts = {"sent": [b"PING\r\n"], "frames": [], "rest": b"".join(received)} | more
    return "\n".join(hints(Seen(framing, failure, received, **facts)))


def test_length_beyond_the_data_names_a_framing_that_fits() -> None:
    assert _hints(LengthPrefixed(2), [b"+PONG\r\n"]).splitlines() == [
        "The framing {length: {size: 2}} does not fit: the length in 2b 50 says 11,090 bytes with its header, "
        "7 arrived.",
        r'A framing that fits: {delimiter: "\r\n"} (it cuts the 7 bytes received into 1 frame)',
    ]


def test_unfinished_line_behind_whole_ones_is_no_misfit() -> None:
    assert _hints(Line(), [b"spam\nspam\nsp"], "wrong", frames=[b"spam\n", b"spam\n"], rest=b"sp") == ""


def test_no_delimiter_in_what_arrived() -> None:
    said = _hints(Delimiter(b"\r\n"), [b"\0\0\0\5hello", b"\0\0\0\3you"])
    assert said.startswith(r'The framing {delimiter: "\r\n"} does not fit: no "\r\n" in the 16 bytes that arrived.')
    assert "A framing that fits: {length: {size: 4}} (it cuts the 16 bytes received into 2 frames)" in said


def test_no_delimiter_in_the_most_bytes_of_a_message() -> None:
    said = _hints(Line(), [b"\0\1\0\0" + b"x" * 65536], "too-long", broken="a message over 65536 bytes")
    assert 'no "\\n" in the 65,540 bytes that arrived' in said


@pytest.mark.parametrize(
    ("framing", "rest", "said"),
    [
        (Marks(b"\x0b", b"\x1c\r"), b"\x0babc", r'no "\x1c\r" in the 4 bytes that arrived'),
        (LengthField(1, 2), b"\x0b", "1 byte arrived, which is less than its header"),
        (LengthField(1, 2), b"\0\1\0a", "the length in 01 00 says 259 bytes with its header, 4 arrived"),
        (Varint(), b"\5ab", "the length in 05 says 6 bytes with its header, 3 arrived"),
        (Framings(Line(), Chunk()), b"ab", "2 bytes arrived that are no whole message"),
    ],
)
def test_why_it_does_not_fit(framing: Framing, rest: bytes, said: str) -> None:
    assert said in _hints(framing, [rest])


def test_broken_stream_says_what_the_decoder_said() -> None:
    said = _hints(LengthPrefixed(4), [b"+PONG\r\n"], "too-long", broken="a message of 726683471 bytes announced")
    assert "does not fit: a message of 726683471 bytes announced." in said


def test_pause_is_suggested_if_nothing_else_fits() -> None:
    assert _hints(Line(), [b"abc"]).splitlines()[1] == (
        "No known framing fits; one that ends a message with a pause: {idle: 50ms}"
    )
    assert _hints(Line(), [b"abc"], "closed", closed=True).splitlines()[1] == (
        "No known framing fits; one that ends a message with the connection: eof"
    )


def test_carriage_return_that_belongs_to_the_message() -> None:
    said = _hints(Line(), [b"+PONG\r\n"], "too-long", frames=[b"+PONG\r\n"], rest=b"")
    assert said.endswith(r'A framing without it: {delimiter: "\r\n"}')


def test_reply_cut_by_a_read() -> None:
    said = _hints(Chunk(), [b"+PO", b"NG\r\n"], "wrong", frames=[b"+PO"], rest=b"")
    assert said.startswith("A read or a pause may cut a reply anywhere.")


def test_right_framing_and_wrong_reply_say_nothing() -> None:
    assert _hints(Line(), [b"no\n"], "wrong", frames=[b"no\n"], rest=b"") == ""


def test_tls_on_a_plain_connection() -> None:
    assert "tls://host:port" in _hints(Line(), [b"\x15\x03\x01\0\2\2F"])
    assert is_tls(b"\x16\x03\x03\0")
    assert not is_tls(b"\x16\x05\x03")


def test_http_answer_to_something_else() -> None:
    said = _hints(Line(), [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "wrong")
    assert said.startswith('The server speaks HTTP, and was sent something else: it answered "HTTP/1.1 400 Bad')
    assert "speaks HTTP" not in _hints(Line(), [b"HTTP/1.1 200 OK"], sent=[b"GET / HTTP/1.1\r\n\r\n"])


def test_silence() -> None:
    said = _hints(Line(), [])
    assert said == (
        "The server sent nothing. It may wait for the rest of a message: the last bytes sent are "
        r'"PING\r\n", framed as line.'
    )
    assert "TLS (tls://host:port)" in _hints(Line(), [], "closed")
    assert _hints(Line(), [], sent=[]) == _hints(Line(), [], "reset") == ""
