"""The step that is played."""

import inspect
from types import SimpleNamespace
from typing import Any

from rawsocket.check import steps
from rawsocket.conversation.plan import Expectation, Field, FramingPlan, Plan, Step
from rawsocket.wire.framing import Line

PLAN = Plan(
    "a", "conversations/a.yaml", FramingPlan("Line", {}), (Step("send", 4, "get"), Step("send", 4, "set")),
    goodbye=(Step("send", 9, "quit"),),
)  # fmt: skip


def _session(line: int, number: int) -> Any:
    op, turn = SimpleNamespace(line=line), number  # noqa: F841 - read in the suspended frame
    yield None


def _started(generator: Any) -> Any:
    next(generator)
    return generator


def _outer(line: int) -> Any:
    yield from _session(line, 2)


def test_step_of_a_conversation_is_found_by_line_and_name() -> None:
    assert steps.step_of_plan(PLAN, _started(_session(4, 1)), "set") is PLAN.steps[1]
    assert steps.step_of_plan(PLAN, _started(_session(4, 1)), "") is PLAN.steps[0]
    assert steps.step_of_plan(PLAN, _started(_outer(9)), "") is PLAN.goodbye[0]
    assert steps.step_of_plan(PLAN, _started(_session(0, 1)), "") is None
    assert steps.place_of_step(PLAN, PLAN.steps[0]) == "conversations/a.yaml:4"


def test_number_of_the_round() -> None:
    assert steps.turn(_started(_outer(4))) == 2
    assert steps.turn(iter(())) == 0


def test_place_of_a_yield_of_the_scenario() -> None:
    line = inspect.getsourcelines(_session)[1] + 2
    assert steps.place_of_yield(_started(_outer(4))) == f"tests/rawsocket/check/test_steps.py:{line}"
    assert steps.place_of_yield(iter(())) == ""


def test_conversation_keeps_the_variables_that_are_read_here() -> None:
    from rawsocket.conversation.user import Conversation

    assert {"op", "turn"} <= set(Conversation.session.__code__.co_varnames)
    assert "op" in Conversation._goodbye.__code__.co_varnames


def test_captures_of_bytes_and_patterns() -> None:
    step = Step(
        "send", 1, captures={"id": Field(0, 2), "token": Field(pattern=rb"token=(\w+)"), "late": Field(50, 2)},
        expect=(Expectation("regex", pattern=rb"(?P<size>\d+)"),),
    )  # fmt: skip
    found = steps.captured(step, b"ab token=x7 12", Line())
    assert found == {"id": b"ab", "token": b"x7", "size": b"7"}
    assert steps.captured(step, [b"ab", b"token=y"], Line()) == {"id": b"ab", "token": b"y"}
    assert steps.captured(step, None, Line()) == {}
