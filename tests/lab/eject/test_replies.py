import re
from typing import Any

import pytest

from lab.conversation.compile import compiled
from lab.eject.code import Needs
from lab.eject.messages import Messages
from lab.eject.replies import Replies, field_of, pattern_of
from rawsocket.conversation.plan import Expectation, Field, Step, Template, Value

A, B = Expectation("exact", Template((b"a",))), Expectation("prefix", Template((b"b",)))


def _replies(used: Any = (), head: bool = False) -> Replies:
    return Replies(Messages(Needs(), "f:1"), head, used)


@pytest.mark.parametrize(
    ("step", "arguments"),
    [
        ({}, []),
        ({"expect": (Expectation("any"),)}, []),
        ({"expect": (A,)}, ['expect=b"a"']),
        ({"expect": (A,), "reject": (B,)}, ['expect=b"a"']),
        ({"expect": (B,)}, ['expect=lambda reply: reply.startswith(b"b")']),
        ({"reject": (B,)}, ['expect=lambda reply: not reply.startswith(b"b")']),
        ({"expect": (Expectation("size", size=3),)}, ["expect=lambda reply: len(reply) == 3"]),
        ({"frames": 2}, ["until=lambda frames: len(frames) >= 2"]),
        ({"until": B}, ['until=lambda frames: frames[-1].startswith(b"b")']),
        (
            {"until": B, "reject": (A,), "expect": (A,)},
            [
                'until=lambda frames: reject(frames[-1], frames[-1] == b"a") or frames[-1].startswith(b"b")',
                'expect=lambda frames: frames[-1] == b"a"',
            ],
        ),
        (
            {"expect": (A, B)},
            [
                "until=lambda frames: len(frames) >= 2",
                'expect=lambda frames: len(frames) == 2 and frames[0] == b"a" and frames[1].startswith(b"b")',
            ],
        ),
    ],
)
def test_arguments(step: dict[str, Any], arguments: list[str]) -> None:
    assert _replies().arguments(Step("send", 1, **step)) == arguments


@pytest.mark.parametrize(
    ("pieces", "message", "met"),
    [
        ((b"\x81", Value("mark", "?"), b"."), b"\x81\n.", True),
        ((b"\x81", Value("mark", "?"), b"."), b"\x81\nx", False),
        ((Value("column", "name"), b"%", Value("mark", "?")), b"a.b%!", True),
        ((Value("column", "name"), b"%", Value("mark", "?")), b"axb%!", False),
    ],
)
def test_bytes_that_may_be_anything(pieces: Any, message: bytes, met: bool) -> None:
    user = type("User", (), {"row": {"name": "a.b"}})()
    test = _replies().test(Expectation("exact", Template(pieces)), "reply")
    assert bool(eval(test, {"re": re, "reply": message, "self": user})) is met


def test_captures_of_one_frame_and_of_several() -> None:
    captures = {"id": Field(4, 2), "token": Field(pattern=rb"t=(\w+)")}
    replies = _replies(used=["id", "token", "name"])
    found = replies.captured(Step("send", 1, captures=captures, expect=(Expectation("regex", pattern=b"(?P<name>.)"),)))
    assert found == [
        'self.captured["id"] = reply[4:6]',
        r'self.captured["token"] = re.search(rb"t=(\w+)", reply)[1]',
        'self.captured["name"] = re.search(rb"(?P<name>.)", reply)["name"] or b""',
    ]
    (several,) = replies.captured(Step("send", 1, captures={"id": Field(4, 2)}, frames=2))
    assert several == 'self.captured["id"] = next(frame[4:6] for frame in reply if len(frame) >= 6)'


def test_frame_of_a_message_that_raw_bytes_may_follow() -> None:
    test = _replies(head=True).test(Expectation("regex", pattern=b"^a"), "reply")
    assert test == 're.search(rb"^a", REPLIES.head(reply))'


def test_id_in_a_message() -> None:
    assert field_of(Field(2, 4), "re", "message") == "message[2:6]"
    code = field_of(Field(pattern=rb"id=(\d+)"), "re", "message")
    assert eval(code, {"re": re, "message": b"id=12"}) == b"12"
    assert eval(code, {"re": re, "message": b"none"}) is None


def test_patterns_are_those_of_the_compiler(tmp_path: Any) -> None:
    (tmp_path / "a.yaml").write_text("steps: [{send: a, expect: {prefix: b.}, then: {bytes: 2}}]")
    plan = compiled(tmp_path / "a.yaml").plan
    assert pattern_of(plan.steps[0].expect[0]) == plan.framing.more[0].pattern
    assert pattern_of(Expectation("any")) is None
