import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawsocket.errors import Short, TooLong, Wrong
from rawsocket.wire.payload import GREETING, check, judge, payload, reply_to, shorten, whole

IDS = st.integers(0, 2**48)


@given(st.integers(1, 2000), IDS, IDS)
def test_payload_has_exactly_the_size_and_no_newline(size: int, connection: int, message: int):
    made = payload(size, connection, message)
    assert len(made) == size
    assert b"\n" not in made
    assert not made.startswith(b"E")


@given(st.lists(st.tuples(IDS, IDS), unique=True, min_size=2, max_size=20))
def test_payloads_of_different_messages_differ(ids: list[tuple[int, int]]):
    assert len({payload(40, *each) for each in ids}) == len(ids)


def test_payloads_of_the_default_size_are_unique():
    assert len({payload(20, 0xABCDEF000000 + c, m) for c in range(30) for m in range(30)}) == 900


def test_small_payload_keeps_the_last_digits_of_the_message_number():
    assert len({payload(4, 7, number) for number in range(4096)}) == 4096


def test_middle_of_a_large_payload_differs_between_messages():
    assert payload(5000, 1, 1)[2000:3000] != payload(5000, 1, 2)[2000:3000]


def test_payload_of_size_zero_is_a_value_error():
    with pytest.raises(ValueError, match="at least 1"):
        payload(0, 1, 1)


@pytest.mark.parametrize(
    ("got", "failure"),
    [(b"abc", None), (b"ab", Short), (b"", Short), (b"abcd", TooLong), (b"abd", Wrong), (b"xabc", Wrong)],
)
def test_each_kind_of_wrong_reply_has_its_failure(got: bytes, failure):
    found = check(b"abc", got)
    assert found is None if failure is None else type(found) is failure


def test_complete_reply_is_checked_by_bytes_by_a_callable_or_not_at_all():
    assert judge(None, b"x") is None
    assert judge(b"x", b"x") is None
    assert isinstance(judge(b"xy", b"x"), Short)
    assert judge(lambda reply: reply == b"x", b"x") is None
    assert isinstance(judge(lambda reply: False, b"x"), Wrong)


@pytest.mark.parametrize(
    ("got", "detail"),
    [
        ([b"a", b"b"], None),
        ([b"a", b"c"], "b'c' instead of b'b' in frame 2 of 2"),
        ([b"END"], "1 frames instead of 2, the last one b'END'"),
        ([b"a", b"b", b"c"], "3 frames instead of 2, the last one b'c'"),
    ],
)
def test_reply_in_frames_is_compared_with_a_list(got: list[bytes], detail: str | None):
    found = judge([b"a", b"b"], got)
    assert (found and found.detail) == detail
    assert found is None or type(found) is Wrong


def test_partial_reply_is_complete_wrong_or_unfinished():
    assert whole(b"abc", b"abc", 9)
    assert not whole(b"abc", b"ab", 9)
    with pytest.raises(Wrong):
        whole(b"abc", b"ax", 9)
    with pytest.raises(TooLong):
        whole(b"abc", b"abcd", 9)
    assert whole(None, b"a", 9)
    assert not whole(lambda reply: False, b"a" * 9, 9)
    with pytest.raises(TooLong):
        whole(lambda reply: False, b"a" * 10, 9)


def test_expected_reply_of_each_app():
    assert reply_to(b"x", "hello") == GREETING
    assert reply_to(b"x", "echo") == reply_to(b"x", "work") == b"x"


def test_shorten_truncates_long_bytes():
    assert shorten(b"abc") == "b'abc'"
    assert shorten(b"a" * 1000).endswith("... (1000 bytes)")
