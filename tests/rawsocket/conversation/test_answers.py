import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from typing import Any

import pytest

from rawsocket.conversation.answers import Answer, Context, answer_of, beat_of, beats, push_of
from rawsocket.conversation.plan import Expectation, Field, HeartbeatPlan, Step
from rawsocket.errors import Wrong
from tests.support.conversations import SOURCES, Sender, exact, prefix, regex, send, text, value

CONTEXT = Context(SOURCES)


def arguments(answer: Answer, sender: Any = None) -> tuple[Any, Any]:
    """`expect` and `until` of the engine."""
    if answer.bind is None:
        return answer.expect, answer.until
    expect, inflight, until = answer.bind(sender or Sender(), 4)
    assert inflight == 4
    return expect, until


def wrong(function: Any, *args: Any) -> str:
    with pytest.raises(Wrong) as raised:
        function(*args)
    return raised.value.detail


def test_only_correct_reply_is_bytes() -> None:
    assert arguments(answer_of(send("a", b"a", expect=exact(b"+OK")), CONTEXT)) == (b"+OK", None)
    rejecting = send("a", b"a", expect=exact(b"+OK"), reject=(prefix(b"-"),))
    assert arguments(answer_of(rejecting, CONTEXT)) == (b"+OK", None)
    assert arguments(answer_of(send("a", b"a", expect=exact(b"k", value("user"))), CONTEXT)) == (b"k7", None)
    gaps = arguments(answer_of(send("a", b"a", expect=exact(b"k", value("?"))), CONTEXT))[0]
    assert gaps(b"kx")


def test_any_reply_is_no_call() -> None:
    for expect in ((), Expectation("any")):
        assert arguments(answer_of(send("a", b"a", expect=expect), CONTEXT)) == (None, None)


def test_wrong_reply_says_what_was_expected_and_what_came() -> None:
    expect, until = arguments(answer_of(send("a", b"a", expect=prefix(b"+OK ", value("n"))), CONTEXT))
    assert until is None
    assert expect(b"+OK 42!")
    assert wrong(expect, b"-ERR") == "b'-ERR' instead of a message that begins with b'+OK 42'"


def test_rejected_reply_says_so() -> None:
    expect, _ = arguments(answer_of(send("a", b"a", reject=(prefix(b"-"), regex(rb"err"))), CONTEXT))
    assert expect(b"+OK")
    assert wrong(expect, b"-ERR") == "b'-ERR' is rejected: a message that begins with b'-'"
    assert wrong(expect, b"an err") == "b'an err' is rejected: a message that matches b'err'"


def test_reply_without_frames_may_still_become_right() -> None:
    chunk = Context(SOURCES, delimits=False)
    expect, _ = arguments(answer_of(send("a", b"a", expect=prefix(b"+OK"), reject=(prefix(b"-"),)), chunk))
    assert not expect(b"+O")
    assert expect(b"+OK")
    assert "rejected" in wrong(expect, b"-")


def test_frames_are_checked_as_they_come() -> None:
    step = send("a", b"a", expect=(exact(b"1"), prefix(b"2"), exact(b"3")))
    expect, until = arguments(answer_of(step, CONTEXT))
    assert expect is None
    assert [until([b"1"]), until([b"1", b"22"]), until([b"1", b"22", b"3"])] == [False, False, True]
    assert wrong(until, [b"1", b"x"]) == "b'x' instead of a message that begins with b'2' in frame 2"


def test_number_of_frames_and_the_last_of_them() -> None:
    _, until = arguments(answer_of(send("a", b"a", frames=2, expect=exact(b"2")), CONTEXT))
    assert [until([b"1"]), until([b"1", b"2"])] == [False, True]
    assert wrong(until, [b"1", b"3"]) == "b'3' instead of b'2' in frame 2, the last one"


def test_frame_that_ends_a_reply() -> None:
    step = send("a", b"a", until=exact(b"."), reject=(prefix(b"-"),))
    _, until = arguments(answer_of(step, CONTEXT))
    assert [until([b"+OK"]), until([b"+OK", b"."])] == [False, True]
    assert wrong(until, [b"+OK", b"-ERR"]) == "b'-ERR' is rejected: a message that begins with b'-'"


def test_end_before_all_that_was_expected() -> None:
    step = send("a", b"a", until=exact(b"."), expect=(prefix(b""), exact(b"x"), exact(b".")))
    _, until = arguments(answer_of(step, CONTEXT))
    assert until([b"+OK", b"x", b"."])
    assert wrong(until, [b"."]) == "1 frames instead of 3, the last one b'.'"


def test_captures_are_kept() -> None:
    context = Context(SOURCES, used=frozenset({"id"}))
    step = send("a", b"a", expect=regex(rb"id=(?P<id>\d+) (?P<unused>.)"), captures={"kind": Field(0, 2)})
    answer = answer_of(step, context)
    sender = Sender()
    expect, _ = arguments(answer)
    assert expect(b"abc id=34 x")
    assert answer.keep is not None
    answer.keep(sender, b"abc id=34 x")
    assert vars(sender) == {"capture_id": b"34", "capture_kind": b"ab"}
    answer.keep(sender, None)


def test_capture_comes_from_the_first_frame_that_has_it() -> None:
    answer = answer_of(send("a", b"a", frames=2, captures={"id": Field(pattern=rb"id=(\d+)")}), CONTEXT)
    sender = Sender()
    assert answer.keep is not None
    answer.keep(sender, [b"no", b"id=5"])
    assert sender.capture_id == b"5"
    assert wrong(answer.until, [b"no", b"none"]) == "no id to capture in b'none'"


def test_reply_without_a_capture_is_wrong() -> None:
    expect, _ = arguments(answer_of(send("a", b"a", expect=exact(b"ab"), captures={"id": Field(4, 4)}), CONTEXT))
    assert wrong(expect, b"ab") == "no id to capture in b'ab'"


def test_push_of_a_receive() -> None:
    answer = push_of(Step("receive", 1, expect=(prefix(b"MSG"),)), CONTEXT)
    assert answer.expect(b"MSG 1")
    assert str(answer.rule) == "a message that begins with b'MSG'"
    assert push_of(Step("receive", 1), CONTEXT).rule is None


def test_number_in_a_push_is_that_of_the_last_message() -> None:
    answer = push_of(Step("receive", 1, expect=(exact(b"got ", value("n")),)), CONTEXT)
    assert arguments(answer) == (b"got 41", None)


def test_each_heartbeat_has_its_own_reply() -> None:
    beat = HeartbeatPlan(1.0, text(b"beat"), expect=exact(b"beat ", value("n")))
    sender: Any = Sender()
    payload, expect = beats(sender, lambda _: b"beat", beat_of(beat, CONTEXT))
    assert payload() == b"beat"
    sender.message_no = 42
    assert payload() == b"beat"
    assert expect(b"beat 42")
    assert wrong(expect, b"beat 42") == "b'beat 42' instead of b'beat 43'"


def test_heartbeat_whose_reply_is_always_the_same() -> None:
    sender: Any = Sender()
    _, expect = beats(sender, lambda _: b"", beat_of(HeartbeatPlan(1.0, text(b"a"), expect=exact(b"b")), CONTEXT))
    assert expect == b"b"
