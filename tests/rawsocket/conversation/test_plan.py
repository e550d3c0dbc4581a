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


def test_smallest_plan_survives_json() -> None:
    plan = Plan("a", "a.yaml", FramingPlan("Line", {}), ())
    assert Plan.from_json(plan.to_json()) == plan
