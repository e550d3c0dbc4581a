import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rawsocket.errors import Wrong
from rawsocket.wire import framing_marks
from rawsocket.wire.framing_marks import Delimiter, Line, Marks, UntilPattern
from tests.support.cuts import CUTS, byte_by_byte, feed
from tests.support.framings import decoded, pieces

# Patterns that can be searched for in many bytes at once, and such that depend on what comes after them.
PLAIN = [
    rb"ab",
    rb"a|ab",
    rb"b+",
    rb"a.*b",
    rb"(?<=a)b",
    rb"(?<=ab)",
    rb"^b",
    rb"(?m)^bb?",
    rb"(a)?(?(1)b|bb)",
    rb"[$b]a",
]
LOOKING = [
    rb"a$",
    rb"a|b\\$$",
    rb"(?m)(b|^a)$",
    rb"a$|bb",
    rb"a(?=b)",
    rb"b(?!b)",
    rb"(?>a*)b",
    rb"a*+b",
    rb"\bb",
    rb"a\Z",
    rb"(?x) a # [\n b $ # ]",
]


def first_end(pattern: bytes, longest: int, message: bytes) -> int:
    """Where a message ends, by the definition: try one byte more each time."""
    for size in range(1, len(message) + 1):
        for match in re.compile(pattern).finditer(message, max(0, size - longest), size):
            if match.end():
                return match.end()
    return 0


def by_definition(pattern: bytes, longest: int, stream: bytes) -> list[bytes]:
    found = []
    while end := first_end(pattern, longest, stream):
        found.append(stream[:end])
        stream = stream[end:]
    return found


@pytest.mark.parametrize("pattern", PLAIN + LOOKING)
@settings(max_examples=60)
@given(data=st.data(), longest=st.sampled_from([1, 2, 3, 5, 256]), block=st.sampled_from([3, 256]))
def test_message_ends_with_the_first_match_as_if_bytes_came_one_by_one(pattern, data, longest, block):
    stream = data.draw(st.lists(st.sampled_from(b"ab$ \n"), max_size=40).map(bytes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(framing_marks, "BLOCK", block)
        found = decoded(UntilPattern(pattern, longest), data.draw(pieces(stream)))
    assert found == by_definition(pattern, longest, stream)


def test_patterns_that_see_what_comes_after_them_are_told_apart():
    assert [pattern for pattern in PLAIN if framing_marks._sees_the_end(pattern)] == []
    assert [pattern for pattern in LOOKING if not framing_marks._sees_the_end(pattern)] == []
    assert not framing_marks._sees_the_end(rb"[$#] |\$ |[]$]|[\]$]|\\")
    assert framing_marks._sees_the_end(rb"\\$")


@pytest.mark.parametrize(("pattern", "slow"), [(rb"> $", False), (rb"\\$", False), (rb"\$", False), (rb"> $|x", True)])
def test_dollar_at_the_end_of_a_pattern_costs_nothing(pattern: bytes, slow: bool):
    assert UntilPattern(pattern).decoder()._each_byte == slow


@pytest.mark.parametrize("pattern", [b"> ", b"> $"])
def test_match_longer_than_its_bound_is_not_found(pattern: bytes):
    assert decoded(UntilPattern(pattern, 1), [b"a> b"]) == []
    assert decoded(UntilPattern(pattern, 2), [b"a> b"]) == [b"a> "]


@given(st.lists(st.sampled_from(b"\r\nab"), max_size=30).map(bytes), st.data())
@example(b"a\r\n\r\nb\r\n", None)
def test_delimiter_splits_as_bytes_do(stream: bytes, data):
    *expected, _ = stream.split(b"\r\n")
    parts = byte_by_byte(stream) if data is None else data.draw(pieces(stream))
    assert decoded(Delimiter(b"\r\n"), parts) == expected


@pytest.mark.parametrize(
    ("framing", "payload", "frame"),
    [
        (Line(many=True), b"PING\nPING", b"PING\nPING\n"),
        (Delimiter(b"\r\n", many=True), b"a", b"a\r\n"),
        (Delimiter(b"\r\n", many=True), b"a\r\n\r\nb\r", b"a\r\n\r\nb\r\r\n"),
        (Delimiter(b"\r\n", many=True), b"a\r\n", b"a\r\n\r\n"),
        (Line(many=True), b"", b"\n"),
    ],
)
def test_delimiter_for_many_messages_sends_them_in_one_payload(framing: Delimiter, payload: bytes, frame: bytes):
    assert framing.encode(payload) == frame
    assert feed(framing.decoder(), [frame]) == payload.split(framing.mark)
    assert not framing.symmetric


def test_delimiter_for_many_messages_refuses_an_end_that_would_not_be_found():
    with pytest.raises(ValueError, match="can't end with a part of the end mark b'aa'"):
        Delimiter(b"aa", many=True).encode(b"ba")


def test_error_for_a_delimiter_in_a_message_names_the_way_to_send_several():
    with pytest.raises(ValueError, match=r"many=True allows several messages"):
        Line().encode(b"a\nb")


@pytest.mark.parametrize("cut", CUTS)
def test_message_between_marks_may_contain_the_start_mark(cut):
    framing = Marks(b"\x0b", b"\x1c\r")
    assert framing.encode(b"MSH|\r\x0b\x1c") == b"\x0bMSH|\r\x0b\x1c\x1c\r"
    assert decoded(framing, cut(framing.encode(b"MSH|\r\x0b") + framing.encode(b""))) == [b"MSH|\r\x0b", b""]


@pytest.mark.parametrize("cut", CUTS)
def test_bytes_between_marked_frames_are_wrong(cut):
    framing = Marks(b"<<", b">>")
    assert decoded(framing, cut(b"<<a>>\n<<b>>")) == [b"a", Wrong]
    assert decoded(framing, cut(b"<a")) == [Wrong]
    with pytest.raises(Wrong) as caught:
        framing.decoder().feed(b"HTTP")
    assert caught.value.detail == "b'HTTP' where a frame should start with b'<<'"


@pytest.mark.parametrize("cut", CUTS)
def test_bytes_between_marked_frames_can_be_skipped(cut):
    framing = Marks(b"<<", b">>", skip_between=True)
    decoder = framing.decoder()
    assert feed(decoder, cut(b"junk<<<a>>\n< <<b>>\r\n")) == [b"<a", b"b"]
    assert decoder.pending == 0
    assert feed(decoder, cut(b"x<")) == []
    assert decoder.pending == 1


@pytest.mark.parametrize("cut", CUTS)
def test_rest_of_a_marked_frame_begins_with_its_start_mark(cut):
    decoder = Marks(b"<<", b">>").decoder()
    assert feed(decoder, cut(b"<<a>><<b>")) == [b"a"]
    assert decoder.rest() == b"<<b>"
    assert feed(decoder, cut(b"<<c>>")) == [b"c"]


@pytest.mark.parametrize(
    ("framing", "payload"),
    [
        (Line(), b"a\nb"),
        (Delimiter(b"aa"), b"ba"),
        (Marks(b"<", b">"), b"a>b"),
        (Marks(b"<", b">>"), b"a>"),
        (UntilPattern(b"x"), b""),
    ],
    ids=str,
)
def test_unencodable_payload_is_a_value_error(framing, payload: bytes):
    with pytest.raises(ValueError, match="message"):
        framing.encode(payload)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Delimiter(b""), "at least one byte"),
        (lambda: Line(0), "at least 1"),
        (lambda: Marks(b"", b"x"), "each mark needs at least one byte"),
        (lambda: Marks(b"x", b""), "each mark needs at least one byte"),
        (lambda: Marks(b"x", b"y", 0), "at least 1"),
        (lambda: UntilPattern(b"("), "not a regular expression in bytes: missing"),
        (lambda: UntilPattern("x"), "not a regular expression in bytes"),
        (lambda: UntilPattern(b"x*"), "would match everywhere"),
        (lambda: UntilPattern(b"x", 0), "max_match=0"),
        (lambda: UntilPattern(b"x", max_size=0), "at least 1"),
    ],
)
def test_invalid_framing_is_a_value_error(make, says: str):
    with pytest.raises(ValueError, match=says):
        make()
