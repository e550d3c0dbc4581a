"""What is expected of a reply, from what was seen."""

import pytest

from lab.recording.script.expectations import ANY, Expectation, Replied, expected, of_reply, of_value
from lab.recording.script.templates import Secrets
from lab.recording.script.variables import Variables
from rawsocket.wire.framing import Line  # noqa: F401
from tests.support.recordings import BEGUN

NONE: Secrets = {0: {}}


def _expected(*frames: bytes, secrets: Secrets = NONE) -> Expectation:
    return expected({(0, at): frame for at, frame in enumerate(frames)}, secrets, Variables([BEGUN]))


def _replied(*replies: list[bytes]) -> Replied:
    return of_reply(dict(enumerate_rounds(replies)), NONE, Variables([BEGUN]))


def enumerate_rounds(replies: tuple[list[bytes], ...]) -> list[tuple[tuple[int, int], list[bytes]]]:
    return [((0, at), reply) for at, reply in enumerate(replies)]


def _exact(text: bytes) -> Expectation:
    return Expectation("exact", [text])


@pytest.mark.parametrize("frame", [b"+OK", b"250 Accepted", b"STORED", b"+OK 7 items", b"\x20\2\0\0", b"220 ready"])
def test_short_and_stable_reply_is_expected_exactly(frame: bytes) -> None:
    assert _expected(frame) == _exact(frame)


@pytest.mark.parametrize(
    ("frame", "start"),
    [
        (b"220 mail ESMTP Sat, 28 Nov 2026 02:10:00", b"220 mail ESMTP "),
        (b"250 OK id=1vOx9-00000001-AbC", b"250 OK id="),
        (b"+OK session 5f3a9c1b7d22", b"+OK session "),
        (b"OK at 12:30:01", b"OK at "),
        (b"welcome number 1234567", b"welcome number "),
    ],
)
def test_what_looks_as_if_it_varied_is_left_out(frame: bytes, start: bytes) -> None:
    found = _expected(frame)
    assert (found.kind, found.text) == ("prefix", [start])
    assert found.note == "the rest looks as if it varied"
    assert _expected(frame, frame) == _exact(frame)  # seen twice


def test_reply_of_which_nothing_is_stable() -> None:
    assert _expected(b"5f3a9c1b7d22aa") == ANY


def test_number_alone_is_any_number() -> None:
    assert _expected(b":17\r\n").pattern == r"^:-?\d+"
    assert _expected(b"17").pattern == r"^-?\d+"


def test_long_reply_is_expected_by_its_first_line() -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nServer: some server\r\nX-Other: something else\r\nX-More: and more of it\r\n\r\n"
        + b"x" * 99
    )
    assert _expected(head) == Expectation("prefix", [b"HTTP/1.1 200 OK"])
    assert _expected(b"\xff" * 99).text == [b"\xff" * 8]


def test_what_varies_ends_the_prefix() -> None:
    assert _expected(b"OK a1", b"OK b2") == Expectation("prefix", [b"OK "])
    assert _expected(b"1 done", b"2 done") == Expectation("suffix", [b" done"])
    assert _expected(b"$1\r\na.end", b"$2\r\nbb.end") == Expectation("suffix", [b".end"])
    assert _expected(b"a1", b"b2") == ANY


def test_binary_reply_that_varies_has_gaps() -> None:
    assert _expected(b"\0\1\xff", b"\0\2\xff") == Expectation("hex", pattern="?? ?? ff")
    assert _expected(b"\xff\1", b"\xff\1\2") == Expectation("prefix", [b"\xff\1"])
    assert _expected(b"\xff" * 50 + b"\1", b"\xff" * 50 + b"\2") == Expectation("prefix", [b"\xff" * 8])


def test_secret_in_a_reply_is_its_value() -> None:
    assert _expected(b"you said s3cret", secrets={0: {b"s3cret": "password"}}).text == [b"you said ", "{password}"]


def test_one_way_message() -> None:
    assert _replied([], []) == Replied(reply=False)
    assert _replied([], [b"OK"]).note == "not every time there was a reply"


def test_reply_of_several_frames_ends_with_its_last_one() -> None:
    assert _replied([b"VALUE a 0 1", b"x", b"END"]) == Replied(until=_exact(b"END"))
    assert _replied([b"a", b"END"], [b"END"]) == Replied(until=_exact(b"END"))


def test_number_of_frames_where_the_last_one_is_like_others() -> None:
    assert _replied([b"a", b"b", b"a"]) == Replied(expect=(_exact(b"a"),), frames=3)
    assert _replied([b"a", b"a"], [b"a", b"a", b"a"]).note == "the reply had 2 to 3 frames"


def test_lines_with_a_code_end_with_the_one_without_a_dash() -> None:
    found = _replied([b"250-mail", b"250-SIZE", b"250 HELP"])
    assert found.until == Expectation("regex", pattern=r"^\d{3} ")
    assert found.expect == (Expectation("prefix", [b"250 "]),)


def test_values_of_an_announced_length() -> None:
    found = of_value({(0, 0): [b"$2\r\nhi\r\n"]})
    assert found
    assert (found.expect[0].pattern, found.then) == (r"^\$(?P<len>\d+)$", "{len}+2")
    assert of_value({(0, 0): [b"$2\r\nhi\r\n"], (0, 1): [b"$-1"]}) is None


def test_matches() -> None:
    assert _exact(b"a").matches(b"a")
    assert not _exact(b"a").matches(b"ab")
    assert Expectation("prefix", [b"a", "{user}"]).matches(b"ab")
    assert Expectation("regex", pattern="b$").matches(b"ab")
    assert ANY.matches(b"")
