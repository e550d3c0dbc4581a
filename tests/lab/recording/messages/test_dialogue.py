"""A connection as messages and replies."""

from lab.recording.messages.dialogue import Dialogue, cut, without_encryption_request
from lab.recording.messages.frames import Both, Found
from lab.recording.messages.framing import paired
from rawsocket.wire.framing import Chunk, Delimiter, Framing, IdleGap, LengthPrefixed, UntilClosed
from tests.support.recordings import talk

LINE = Delimiter(b"\n")


def _cut(*said: tuple[str, bytes] | tuple[str, bytes, float], framing: Framing = LINE) -> Dialogue:
    connection = talk(*said)
    return cut(connection, paired(framing, [connection.runs(sent=True)]))


def _steps(dialogue: Dialogue) -> list[tuple[bytes | None, list[bytes]]]:
    return [(each.message, each.replies) for each in dialogue.exchanges]


def test_messages_and_replies_without_their_marks() -> None:
    found = _cut(("c", b"a\n"), ("s", b"1\n2\n"), ("c", b"b\n"), ("s", b"3"), ("s", b"\n"))
    assert _steps(found) == [(b"a", [b"1", b"2"]), (b"b", [b"3"])]


def test_greeting_and_push_have_no_message() -> None:
    found = _cut(("s", b"hello\n"), ("c", b"a\n"), ("s", b"1\n"), ("s", b"push\n", 1.0), ("c", b"b\n"))
    assert _steps(found) == [(None, [b"hello"]), (b"a", [b"1"]), (None, [b"push"]), (b"b", [])]


def test_late_reply_is_no_push() -> None:
    assert _steps(_cut(("c", b"a\n"), ("s", b"1\n", 5.0))) == [(b"a", [b"1"])]


def test_pauses_are_those_of_the_client() -> None:
    found = _cut(("c", b"a\n", 0.1), ("s", b"1\n", 0.3), ("c", b"b\n", 0.2), ("c", b"c\n", 0.05))
    assert [round(each.pause, 3) for each in found.exchanges] == [0.101, 0.201, 0.051]


def test_what_is_sent_at_once_is_one_message_unless_frames_are_binary() -> None:
    assert _steps(_cut(("c", b"a\nb\n"), ("c", b"c\n"))) == [(b"a\nb\nc", [])]
    binary = _cut(("c", b"\1a\1b"), ("c", b"\1c"), framing=LengthPrefixed(1))
    assert _steps(binary) == [(b"a", []), (b"b", []), (b"c", [])]


def test_replies_that_end_with_a_pause_or_the_connection() -> None:
    said = (("c", b"a"), ("s", b"1"), ("s", b"2"), ("c", b"b"), ("s", b"3"))
    assert _steps(_cut(*said, framing=IdleGap(0.05))) == [(b"a", [b"12"]), (b"b", [b"3"])]
    assert _steps(_cut(*said[:3], framing=UntilClosed())) == [(b"a", [b"12"])]


def test_bytes_that_are_left_over() -> None:
    assert _cut(("c", b"a\n"), ("s", b"1\n2")).unfinished == 1


def test_framing_that_does_not_fit_is_no_error() -> None:
    narrow = Delimiter(b"\n", max_size=2)
    chunk = Found("chunk", Chunk())
    found = cut(talk(("c", b"a\n"), ("s", b"much too long\n")), Both(chunk, Found("", narrow)))
    assert _steps(found) == [(b"a\n", [])]


def test_declined_request_for_encryption_is_left_out() -> None:
    request = b"\0\0\0\x08\x04\xd2\x16\x2f"
    found = without_encryption_request(talk(("c", request), ("s", b"N"), ("c", b"start"), ("s", b"R")))
    assert found.runs(sent=True) == [b"start"]
    kept = talk(("c", request), ("s", b"S"))
    assert without_encryption_request(kept) == kept
