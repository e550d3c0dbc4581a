from dataclasses import replace
from pathlib import Path

import pytest

from rawsocket.conversation.plan import (
    Data,
    Expectation,
    Field,
    FramingPlan,
    HeartbeatPlan,
    Match,
    More,
    Plan,
    Push,
    Step,
    Template,
    Value,
    load,
)

HELLO = Template((b"hello \xff", Value("built-in", "random", "16"), Value("column", "name")))
PLAN = Plan(
    name="redis",
    file="conversations/redis.yaml",
    framing=FramingPlan("Delimiter", {"mark": b"\r\n", "max_size": 100}, (More(rb"^\$(?P<len>\d+)", "len", 2),)),
    steps=(
        Step("send", 3, "set", HELLO, expect=(Expectation("exact", HELLO), Expectation("regex", pattern=b"a|b"))),
        Step("send", 4, "get", HELLO, until=Expectation("prefix", HELLO), captures={"id": Field(4, 2)}),
        Step("wait", 5, seconds=0.5),
        Step("framing", 6, framing=FramingPlan("LengthField", {"offset": 4, "byteorder": "big"})),
    ),
    heartbeat=HeartbeatPlan(30, HELLO, expect=Expectation("any")),
    pushes=(Push(Expectation("size", size=4), HELLO),),
    match=Match(Field(0, 2), Field(pattern=b"id=(.)")),
    data=Data(("name", "secret"), (("ann", "1"), ("bob", "é"))),
    shape={"kind": "steps", "users": 100},
)


def test_plan_survives_json() -> None:
    assert Plan.from_json(PLAN.to_json()) == PLAN


def test_framings_of_both_directions_survive_json() -> None:
    both = {"send": FramingPlan("Line", {}), "receive": FramingPlan("Delimiter", {"mark": b"\0"}, PLAN.framing.more)}
    plan = replace(PLAN, framing=FramingPlan("Framings", both))
    assert Plan.from_json(plan.to_json()) == plan


def test_plan_is_loaded_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(PLAN.to_json())
    assert load(str(path)) == PLAN


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "No such file or directory"),
        ("", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "something else; expected"),
        ('{"name": "a"}', "KeyError: 'file'"),
        (b"\xff", "UnicodeDecodeError"),
    ],
)
def test_file_that_is_no_plan_is_one_line(tmp_path: Path, written: str | bytes | None, said: str) -> None:
    path = tmp_path / "plan.json"
    if written is not None:
        path.write_bytes(written if isinstance(written, bytes) else written.encode())
    with pytest.raises(ValueError, match="expected the plan of a conversation, which the lab writes") as raised:
        load(str(path))
    assert str(raised.value).startswith(f"HOLDFAST_CONVERSATION={path}: {said}")
    assert "\n" not in str(raised.value)


def test_smallest_plan_survives_json() -> None:
    plan = Plan("a", "a.yaml", FramingPlan("Line", {}), ())
    assert Plan.from_json(plan.to_json()) == plan
