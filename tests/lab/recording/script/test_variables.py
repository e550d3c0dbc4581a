"""Which value is proposed for what varies."""

import pytest

from lab.recording.script.differences import Hole
from lab.recording.script.variables import Reply, Variables, escaped, size_of
from tests.support.recordings import BEGUN

SECONDS = str(int(BEGUN)).encode()


def _hole(*values: bytes, connections: bool = False) -> Hole:
    return Hole({((at, 0) if connections else (0, at)): value for at, value in enumerate(values)})


def _proposed(hole: Hole, binary: bool = False, fixed: bool = False, shared: bool = False) -> str:
    variables = Variables([BEGUN] * 9)
    if shared:
        variables.share([hole, hole])
    if fixed:
        variables.pin(hole, len(hole.first))
    return variables.proposed(hole, binary)


@pytest.mark.parametrize(
    ("hole", "proposed"),
    [
        (_hole(b"1", b"2"), "{n}"),
        (_hole(b"001", b"002"), "{n:03}"),
        (_hole(b"ab", b"xyz"), "{random:3}"),
        (_hole(b"anna", b"otto", connections=True), "{user}"),
        (_hole(b"1", b"2", connections=True), "{user}"),
        (_hole(SECONDS, SECONDS[:-1] + b"0"), "{time}"),
        (_hole(SECONDS + b"001", SECONDS + b"002"), "{time:ms}"),
        (_hole(b"20261128021301", b"20261128021302"), "{time:%Y%m%d%H%M%S}"),
        (_hole(b"202611280213", b"202611280214"), "{time:%Y%m%d%H%M}"),
        (_hole(b"20269928021301", b"20269928021302"), "{n:014}"),
        (_hole(b"0b7a8d9e-1111-4222-8333-444455556666", b"1b7a8d9e-1111-4222-8333-444455556666"), "{uuid}"),
    ],
)
def test_value_in_a_text(hole: Hole, proposed: str) -> None:
    assert _proposed(hole) == proposed if proposed != "{n:014}" else _proposed(hole, fixed=True)


@pytest.mark.parametrize(
    ("hole", "shared", "proposed"),
    [
        (_hole(b"1", b"2"), False, "{random:1}"),
        (_hole(b"00001", b"00002"), False, "{n:05}"),
        (_hole(b"ab", b"cd"), False, "{random:2}"),
        (_hole(b"ab", b"cd"), True, "{user:02}"),
    ],
)
def test_value_that_has_to_keep_its_size(hole: Hole, shared: bool, proposed: str) -> None:
    assert _proposed(hole, fixed=True, shared=shared) == proposed


@pytest.mark.parametrize(
    ("hole", "proposed"),
    [
        (_hole(b"\0\1", b"\0\2"), "{n:u2}"),
        (_hole(b"\0\2", b"\0\1"), "{random:u2}"),
        (_hole(b"\x81", b"\x80"), "{random:u1}"),
        (_hole(b"abc", b"abd"), "{random:3}"),
        (_hole(b"\1\2\3", b"\1\2\4"), "{random:3}"),
        (_hole(b"9", b"10"), "{n}"),
        (_hole(b"a", b"bc"), "{random:1}"),
    ],
)
def test_value_in_binary_data(hole: Hole, proposed: str) -> None:
    assert _proposed(hole, binary=True) == proposed


def test_same_value_at_several_places_is_that_of_the_user() -> None:
    variables = Variables([BEGUN])
    first, again = _hole(b"1", b"2"), _hole(b"1", b"2")
    variables.share([first, again])
    assert variables.proposed(first, False) == "{user}"
    assert variables.again(again) == "{user}"
    assert variables.again(_hole(b"1", b"3")) is None


def test_value_of_an_earlier_reply_is_a_capture() -> None:
    variables = Variables([BEGUN] * 2)
    variables.replies.append(Reply(4, {(0, -1): b"+OK token=abc; hi", (1, -1): b"+OK token=xyz; hi"}))
    assert variables.proposed(_hole(b"abc", b"xyz", connections=True), False) == "{token}"
    (capture,) = variables.captures
    assert (capture.name, capture.step, capture.pattern) == ("token", 4, rb"\+OK token=([^;]+)")


def test_captured_number_may_get_more_digits() -> None:
    variables = Variables([BEGUN] * 2)
    variables.replies.append(Reply(4, {(0, -1): b"INSERTED 998", (1, -1): b"INSERTED 999"}))
    assert variables.proposed(_hole(b"998", b"999", connections=True), False) == "{inserted}"
    assert variables.captures[0].pattern == rb"INSERTED (\d+)"


def test_capture_without_words_before_it() -> None:
    variables = Variables([BEGUN] * 2)
    variables.replies.append(Reply(0, {(0, 0): b"+abc", (1, 0): b"+xyz"}))
    variables.replies.append(Reply(1, {(0, 0): b"user 123 x", (1, 0): b"user 456 x"}))
    assert variables.proposed(_hole(b"abc", b"xyz", connections=True), False) == "{value}"
    assert variables.proposed(_hole(b"123", b"456", connections=True), False) == "{user_}"
    assert [each.pattern for each in variables.captures] == [rb"\+(.{3})", rb"user ([^ ]+)"]


def test_only_what_means_something_is_escaped() -> None:
    assert escaped(b"a b=1.5?") == rb"a b=1\.5\?"


def test_time_of_the_recording() -> None:
    assert Variables([BEGUN]).now(SECONDS) == "{time}"
    assert Variables([BEGUN]).now(b"20261128021301") == "{time:%Y%m%d%H%M%S}"
    assert Variables([BEGUN]).now(b"1234567890") == ""


def test_value_of_any_size_that_stays() -> None:
    variables = Variables([BEGUN])
    number, other = _hole(b"1", b"2"), _hole(b"3", b"5")
    variables.share([number, number])
    for each in (number, other):
        variables.pin(each, 0)
    assert (variables.proposed(number, False), variables.proposed(other, False)) == ("{user:06}", "{n:08}")
    assert (size_of("{user:06}"), size_of("{n:08}")) == (6, 8)


@pytest.mark.parametrize(
    ("piece", "size"),
    [
        (b"abc", 3),
        ("{random:16}", 16),
        ("{uuid}", 36),
        ("{n:u2}", 2),
        ("{random:u1}", 1),
        ("{time}", 10),
        ("{time:%Y%m%d%H%M}", 12),
        ("{user}", None),
    ],
)
def test_size_of_a_value(piece: bytes | str, size: int | None) -> None:
    assert size_of(piece) == size
