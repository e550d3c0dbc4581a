"""Whether a framing fits recorded bytes."""

from lab.recording.messages.frames import Both, Found, fits, is_text, joined, same
from rawsocket.wire.framing import Chunk, Delimiter, LengthPrefixed

LINE = Delimiter(b"\n")


def test_all_bytes_have_to_be_frames_and_runs_end_with_one() -> None:
    assert fits(LINE, [[b"a\n", b"b\nc\n"], [b"d\n"]])
    assert not fits(LINE, [[b"a\nb"]])
    assert not fits(LINE, [[]])
    assert fits(LINE, [[b"a\n"] * 9 + [b"b\nc"]])  # the recording ended within a frame
    assert not fits(Delimiter(b"\n", max_size=3), [[b"aaaaaa\n"]])


def test_same_demands_the_bytes_that_the_framing_writes() -> None:
    assert same(LengthPrefixed(2), [[b"\0\1a", b"\0\1b"]])
    assert not same(LengthPrefixed(2), [[b"\0\1a", b"\0\0"]])
    assert not same(LINE, [[b"a"]])
    assert same(LengthPrefixed(2), [[b"\0\1a"] * 10 + [b"\0\5a"]])


def test_text_is_nearly_all_printable() -> None:
    assert is_text(b"GET / HTTP/1.1\r\n")
    assert is_text(b"x" * 100 + b"\xff")
    assert not is_text(b"\x10\x02ab")


def test_how_both_directions_are_written() -> None:
    line, chunk = Found("line", LINE), Found("chunk", Chunk())
    assert Both(chunk, line).written == "{send: chunk, receive: line}"
    assert Both(line, line, one=True).written == "line"
    assert joined([[b"a", b"b"], [b"c"]]) == b"abc"
