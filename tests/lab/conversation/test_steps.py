from pathlib import Path
from typing import Any

import pytest

from lab.conversation.compile import compiled
from lab.conversation.syntax.source import Mistake
from rawsocket.conversation.plan import Expectation, Field, FramingPlan, More, Plan, Step, Template


def _plan(tmp_path: Path, steps: str, more: str = "") -> Plan:
    (tmp_path / "a.yaml").write_text(f"steps: [{steps}]\n{more}\n")
    return compiled(tmp_path / "a.yaml", "a.yaml").plan


A = Template((b"a",))


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("{send: a}", {"kind": "send", "message": A, "name": "a"}),
        ("{send: a, reply: no}", {"kind": "send", "message": A, "name": "a", "reply": False}),
        ("{send: a, name: b, inflight: 8}", {"kind": "send", "message": A, "name": "b", "inflight": 8}),
        (
            "{send: a, expect: [any, {bytes: 2}], reject: {bytes: 3}}",
            {
                "kind": "send", "message": A, "name": "a",
                "expect": (Expectation("any"), Expectation("size", size=2)),
                "reject": (Expectation("size", size=3),),
            },
        ),
        ("{send: a, until: any}", {"kind": "send", "message": A, "name": "a", "until": Expectation("any")}),
        (
            "{send: a, frames: 3, capture: {id: {at: 1, size: 2}}}",
            {"kind": "send", "message": A, "name": "a", "frames": 3, "captures": {"id": Field(1, 2)}},
        ),
        ("{raw: a}", {"kind": "raw", "message": A, "reply": False}),
        ("{part: {send: a, bytes: 2}}", {"kind": "part", "message": A, "reply": False, "size": 2}),
        ("{receive: any}", {"kind": "receive", "expect": (Expectation("any"),)}),
        (
            "{receive: any, timeout: 5s, required: no, name: news}",
            {"kind": "receive", "expect": (Expectation("any"),), "seconds": 5, "required": False, "name": "news"},
        ),
        ("{wait: 2m}", {"kind": "wait", "seconds": 120}),
        ("connect", {"kind": "connect"}),
        ("close", {"kind": "close"}),
        ("{close: reset}", {"kind": "close", "reset": True}),
        ("starttls", {"kind": "start-tls"}),
        ("shutdown", {"kind": "shutdown"}),
        ("{framing: chunk}", {"kind": "framing", "framing": FramingPlan("Chunk", {})}),
        ("{throttle: {send: 10kb}}", {"kind": "throttle", "send_rate": 10240}),
    ],
)  # fmt: skip
def test_step(text: str, step: dict[str, Any], tmp_path: Path) -> None:
    plan = _plan(tmp_path, text, "rounds: 1")  # so that a connect without a close is possible
    assert plan.steps == (Step(line=1, **step),)
    assert Plan.from_json(plan.to_json()) == plan


def test_names_of_steps_without_a_word(tmp_path: Path) -> None:
    plan = _plan(tmp_path, "{send: '{n}'}, {wait: 1s}, {send: GET a}, {send: {hex: '01'}}", "connect: {send: '1'}")
    assert [step.name for step in (*plan.connect, *plan.steps)] == ["send1", "send2", "", "GET", "send4"]


def test_captures_are_known_after_their_step(tmp_path: Path) -> None:
    text = "{send: a, expect: {regex: '(?P<id>.)'}}, {receive: any, capture: {more: {size: 1}}}, {send: '{id}{more}'}"
    _plan(tmp_path, text, "goodbye: {send: '{id}'}")
    _plan(
        tmp_path, "{send: '{id}'}", "connect: {send: a, capture: {id: {size: 1}}}\nheartbeat: {every: 1s, send: '{id}'}"
    )


@pytest.mark.parametrize(
    ("expect", "then", "more"),
    [
        ("{regex: '(?P<len>.)'}", "'{len}+2'", More(b"(?P<len>.)", "len", 2)),
        ("{regex: 'a'}", "4", More(b"a", "", 4)),
        ("b", "1", More(rb"\Ab\Z", "", 1)),
        ("[any, {prefix: b}]", "1", More(rb"\Ab", "", 1)),
    ],
)
def test_bytes_that_follow_a_frame(expect: str, then: str, more: More, tmp_path: Path) -> None:
    plan = _plan(tmp_path, f"{{framing: line}}, {{send: a, expect: {expect}, then: {{bytes: {then}}}}}")
    assert plan.framing.more == (more,)
    assert plan.steps[0].framing == FramingPlan("Line", {}, (more,))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{send: ''}", "an empty message"),
        ("{send: a, until: any, frames: 2}", "`until` and `frames`; one of them ends the reply"),
        ("{send: a, frames: 0}", "`frames: 0`; expected 1 or more"),
        ("{send: a, inflight: 0}", "`inflight: 0`"),
        ("{send: a, frames: 3, expect: [any, any]}", "`frames: 3` and 2 expectations"),
        ("{send: a, until: any, expect: [any, any]}", "`until` and 2 expectations"),
        ("{send: a, inflight: 2, capture: {a: {size: 1}}}", "`capture` of a reply that is not waited for"),
        ("{send: a, reply: no, capture: {a: {size: 1}}}", "`capture` beside `reply: no`"),
        ("{send: a, expect: any, then: {bytes: 1}}", "`then` without an expectation of the frame"),
        ("{send: a, expect: {regex: a}, then: {bytes: '{len}'}}", "there is no group `len` in the regex"),
        ("{send: a, expect: b, then: {bytes: 0}}", "no bytes follow"),
        ("{part: {send: a, bytes: 0}}", "`bytes: 0`"),
        ("{receive: any, timeout: 0}", "a timeout of 0"),
        ("{throttle: {}}", "a rate is missing"),
        ("{send: '{later}'}, {send: a, capture: {later: {size: 1}}}", "there is no value {later} here"),
    ],
)
def test_step_that_contradicts_itself(text: str, part: str, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=r"^a\.yaml:1:\d+: ") as refused:
        _plan(tmp_path, text)
    assert part in str(refused.value)
