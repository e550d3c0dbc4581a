"""Every case is fed whole, byte by byte, with a tail left over, and cut at random places."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import protocol
from server.protocol import ChunkDecoder, LineDecoder, TooLong, answer_for, decoder_for, reply_for

CASES = [
    (b"hello\n", [b"hello"]),
    (b"\n", [b""]),
    (b"\n\n", [b"", b""]),
    (b"a\nb\nc\n", [b"a", b"b", b"c"]),
    (b"kept\r\n", [b"kept\r"]),
    (b"\xff\x00binary\n", [b"\xff\x00binary"]),
    (b"exactly te\n", [b"exactly te"]),
]

streams = st.lists(st.binary(max_size=12).filter(lambda message: b"\n" not in message), max_size=12)


def feed_all(decoder: LineDecoder, pieces: list[bytes]) -> list[bytes]:
    return [message for piece in pieces for message in decoder.feed(piece)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds) if start < end]


@pytest.mark.parametrize(("data", "messages"), CASES)
def test_lines_whole(data: bytes, messages: list[bytes]) -> None:
    decoder = LineDecoder(10)
    assert decoder.feed(data) == messages
    assert not decoder.inbox


@pytest.mark.parametrize(("data", "messages"), CASES)
def test_lines_byte_by_byte(data: bytes, messages: list[bytes]) -> None:
    decoder = LineDecoder(10)
    assert feed_all(decoder, [bytes([byte]) for byte in data]) == messages
    assert not decoder.inbox


@pytest.mark.parametrize(("data", "messages"), CASES)
def test_lines_with_a_tail(data: bytes, messages: list[bytes]) -> None:
    decoder = LineDecoder(10)
    assert decoder.feed(data + b"tail") == messages
    assert decoder.inbox == b"tail"
    assert decoder.feed(b"!\n") == [b"tail!"]


@given(streams, st.binary(max_size=12).filter(lambda tail: b"\n" not in tail), st.lists(st.integers(0, 200)))
def test_where_the_stream_is_cut_does_not_matter(messages: list[bytes], tail: bytes, places: list[int]) -> None:
    data = b"".join(message + b"\n" for message in messages) + tail
    decoder = LineDecoder(12)
    assert feed_all(decoder, cut(data, places)) == messages
    assert decoder.inbox == tail


@given(streams, st.integers(0, 12), st.lists(st.integers(0, 200)))
def test_the_first_message_that_is_too_long_is_found_and_those_before_it_kept(
    messages: list[bytes], limit: int, places: list[int]
) -> None:
    decoder = LineDecoder(limit)
    whole: list[bytes] = []
    good = next((at for at, message in enumerate(messages) if len(message) > limit), len(messages))
    try:
        for piece in cut(b"".join(message + b"\n" for message in messages), places):
            whole += decoder.feed(piece)
    except TooLong as problem:
        whole += problem.messages
        assert good < len(messages)
    else:
        assert good == len(messages)
    assert whole == messages[:good]


@pytest.mark.parametrize("pieces", [[b"x" * 11], [b"x" * 11 + b"\n"], [b"x" * 6, b"x" * 5], [b"ok\n" + b"x" * 11]])
def test_one_byte_over_the_limit_is_too_long_with_or_without_its_end(pieces: list[bytes]) -> None:
    decoder = LineDecoder(10)
    with pytest.raises(TooLong):
        feed_all(decoder, pieces)
    assert not decoder.inbox


def test_the_inbox_stays_the_same_object() -> None:
    decoder = LineDecoder(10)
    inbox = decoder.inbox
    feed_all(decoder, [b"a", b"b\nc", b"\n", b"d"])
    assert decoder.inbox is inbox
    assert inbox == b"d"


@given(st.binary(min_size=1))
def test_a_chunk_is_a_message(data: bytes) -> None:
    decoder = ChunkDecoder()
    assert decoder.feed(data) == [data]
    assert not decoder.inbox


def test_each_connection_has_its_own_line_decoder() -> None:
    new = decoder_for("line", 10)
    new().feed(b"half")
    assert not new().inbox
    assert decoder_for("chunk", 10)().feed(b"as it came") == [b"as it came"]


@pytest.mark.parametrize(
    ("app", "framing", "reply"),
    [
        ("hello", "line", b"Hello from server!\n"),
        ("hello", "chunk", b"Hello from server!"),
        ("echo", "line", b"ping\n"),
        ("echo", "chunk", b"ping"),
        ("work", "line", b"ping\n"),
        ("work", "chunk", b"ping"),
    ],
)
def test_replies(app: str, framing: str, reply: bytes) -> None:
    burnt: list[bool] = []
    assert reply_for(app, framing, lambda: burnt.append(True))(b"ping") == reply
    assert len(burnt) == (app == "work")


def test_errors_are_lines() -> None:
    assert protocol.SERVER_FULL == b"ERR server full\n"
    assert protocol.TOO_LONG == b"ERR message too long\n"
    assert protocol.TIMED_OUT == b"ERR message timeout\n"


ANSWERS = [
    answer_for("line", 10, reply_for("echo", "line", lambda: None), verbatim=True),
    answer_for("line", 10, reply_for("echo", "line", lambda: None)),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=["verbatim", "taken apart"])
@pytest.mark.parametrize("data", [b"one\n", b"\n", b"a\nb\n\nc\n", b"a\r\n", b"123456789\n"])
def test_whole_lines_are_answered_without_a_decoder(answer: protocol.Answer, data: bytes) -> None:
    assert answer(data) == (data.count(b"\n"), data)


@pytest.mark.parametrize("answer", ANSWERS, ids=["verbatim", "taken apart"])
@pytest.mark.parametrize("data", [b"", b"one", b"one\ntwo", b"12345678901\n", b"123456\n89012\n"])
def test_any_other_input_is_left_to_a_decoder(answer: protocol.Answer, data: bytes) -> None:
    """An end of input, an unfinished message, and a possibly long message need a decoder."""
    assert answer(data) is None


def test_each_of_several_lines_gets_a_greeting() -> None:
    answer = answer_for("line", 10, reply_for("hello", "line", lambda: None))
    assert answer(b"a\nb\n") == (2, b"Hello from server!\nHello from server!\n")


def test_a_chunk_is_answered_without_a_newline() -> None:
    answer = answer_for("chunk", 10, reply_for("echo", "chunk", lambda: None))
    assert answer(b"a\nb") == (1, b"a\nb")
    assert answer(b"") is None
