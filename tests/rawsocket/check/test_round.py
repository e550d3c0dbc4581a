"""One round of a conversation: what is played, and where it ends. For Python sessions see test_player.py."""

import re
from dataclasses import replace

import pytest

from lab import folders
from rawsocket.check import round, text
from rawsocket.check.dialogue import CAPTURE, FRAME, NOTE, PART, SENT
from rawsocket.conversation.plan import Expectation, Field, FramingPlan, HeartbeatPlan, Plan, Step, Template
from rawsocket.conversation.user import user_class
from rawsocket.master.reports.result import text as plain
from tests.support.checks import answering, checked, parts


def _text(text: bytes) -> Template:
    return Template((text,))


def _send(text: bytes, line: int, reply: bytes) -> Step:
    return Step("send", line, text.decode().lower(), _text(text), expect=(Expectation("exact", _text(reply)),))


LOGIN, GET, PUT, QUIT = (
    _send(b"LOGIN", 3, b"in"), _send(b"GET", 5, b"got"), _send(b"PUT", 6, b"put"), _send(b"QUIT", 9, b"bye"),
)  # fmt: skip
PLAN = Plan("mine", "conversations/mine.yaml", FramingPlan("Line", {}), (GET, PUT), (LOGIN,), (QUIT,))
SERVE = answering(
    {b"LOGIN\n": b"in\n", b"GET\n": b"got\n", b"PUT\n": b"put\n", b"QUIT\n": b"bye\n", b"BEAT\n": b"ok\n"}
)
ROUND = [b"LOGIN\n", b"GET\n", b"PUT\n", b"QUIT\n"]


@pytest.mark.parametrize("every", [0, 10])
@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_each_step_is_played_once(every: float, rounds: int) -> None:
    dialogue = checked(user_class(replace(PLAN, rounds=rounds)), SERVE, every=every)
    assert (dialogue.failure, parts(dialogue, SENT)) == (None, ROUND)
    places = [entry.place for entry in dialogue.entries if entry.kind == PART and entry.place]
    assert places == [f"conversations/mine.yaml:{line}" for line in (3, 5, 6, 9)]


def test_one_step_of_a_conversation() -> None:
    assert parts(checked(user_class(replace(PLAN, steps=(GET,), connect=())), SERVE, every=0), SENT) == [
        b"GET\n", b"QUIT\n",
    ]  # fmt: skip


def test_conversation_that_only_connects() -> None:
    dialogue = checked(user_class(replace(PLAN, steps=())), SERVE, every=0)
    assert (dialogue.failure, parts(dialogue, SENT)) == (None, [b"LOGIN\n", b"QUIT\n"])


def test_heartbeat_comes_once_after_the_steps() -> None:
    beat = HeartbeatPlan(30, _text(b"BEAT"), expect=Expectation("exact", _text(b"ok")))
    dialogue = checked(user_class(replace(PLAN, heartbeat=beat)), SERVE, every=10)
    assert parts(dialogue, SENT) == [*ROUND[:3], b"BEAT\n", ROUND[3]]
    wrong = replace(beat, expect=Expectation("prefix", _text(b"no")))
    failure = checked(user_class(replace(PLAN, heartbeat=wrong)), SERVE, every=10).failure
    assert failure is not None
    assert (failure.step, failure.expected) == ("heartbeat", 'a message that begins with "no"')


def test_waits_are_steps_but_not_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round, "LONGEST_WAIT_S", 0.01)
    waiting = replace(PLAN, steps=(GET, Step("wait", 7, seconds=60.0), PUT))
    dialogue = checked(user_class(waiting), SERVE, every=10)
    assert (parts(dialogue, SENT), parts(dialogue, NOTE)) == (ROUND, ["waits 0.01 s instead of 60 s"])


def test_captures_are_shown() -> None:
    step = replace(
        GET, expect=(Expectation("regex", pattern=rb"(?P<what>g..)"),), captures={"first": Field(0, 1)}
    )  # fmt: skip
    dialogue = checked(user_class(replace(PLAN, steps=(step,))), SERVE, every=10)
    found = [(entry.text, entry.data) for entry in dialogue.entries if entry.kind == CAPTURE]
    assert found == [("what", b"got"), ("first", b"g")]


def test_step_that_fails_is_named_with_its_line() -> None:
    step = replace(PUT, expect=(Expectation("regex", pattern=rb"^\d+$"),))
    dialogue = checked(user_class(replace(PLAN, steps=(GET, step))), SERVE, every=10)
    failure = dialogue.failure
    assert failure is not None
    assert (dialogue.exit_code, failure.place, failure.step) == (3, "conversations/mine.yaml:6", "send `put`")
    assert (failure.expected, failure.arrived) == (r"a match of '^\\d+$'", r'"put\n"')


def test_output_on_the_docs_page() -> None:
    """What docs/check.md shows, but for the times and the port."""
    receive = FramingPlan("LengthPrefixed", {"size": 2})
    framing = FramingPlan("Framings", {"send": FramingPlan("Line", {}), "receive": receive})
    get = Step("send", 5, "get", _text(b"GET k0"), expect=(Expectation("exact", _text(b"+OK")),))
    plan = Plan("mine", "conversations/mine.yaml", framing, (get,))
    serve = answering({b"GET k0\n": b"$5\r\nhello\r\n"})
    dialogue = checked(user_class(plan), serve, every=10, timeout=0.3)
    url = "tcp://127.0.0.1:6379"
    dialogue.entries[1] = replace(dialogue.entries[1], text=f"connected to {url} in 0.4 ms")
    dialogue.target = url
    shown = re.findall(r"```text\n(.*?)```", (folders.ASSETS / "docs/check.md").read_text(), re.S)
    assert [_without_times(plain(text.lines(dialogue)))] == list(map(_without_times, map(str.rstrip, shown)))


def _without_times(shown: str) -> str:
    return re.sub(r"^ +\d+\.\d ", "T ", shown, flags=re.M)


def test_reconnect_within_a_round() -> None:
    twice = replace(PLAN, steps=(Step("connect", 4), GET, Step("close", 6), Step("connect", 7), PUT))
    dialogue = checked(user_class(twice), SERVE, every=10)
    assert dialogue.failure is None
    assert parts(dialogue, SENT) == [b"LOGIN\n", b"GET\n", b"LOGIN\n", b"PUT\n", b"QUIT\n"]
    assert parts(dialogue, FRAME)[-2:] == [b"put\n", b"bye\n"]
