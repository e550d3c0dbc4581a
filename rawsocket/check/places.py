"""Where a session is: the line of the scenario, or the step of a conversation, at which its generator waits. Pure."""

from types import GeneratorType
from typing import Any

from rawsocket.conversation.plan import Plan, Step
from rawsocket.measurement.scenario_errors import INSTALLED, place


def step_of_plan(generator: Any, name: str = "step") -> Step | None:
    """Return the step of a conversation that a suspended generator executes: its local variable `step`."""
    for frame in reversed(_frames(generator)):
        found = frame.f_locals.get(name)
        if isinstance(found, Step):
            return found
    return None


def place_of_step(plan: Plan, step: Step) -> str:
    """Return FILE:LINE of a step of a conversation."""
    return f"{plan.file}:{step.line}"


def place_of_yield(generator: Any) -> str:
    """Return FILE:LINE of the innermost yield that a scenario has written; "" if it is in none of its files."""
    own = [frame for frame in _frames(generator) if not frame.f_code.co_filename.startswith(INSTALLED)]
    return place(own[-1].f_code.co_filename, own[-1].f_lineno) if own else ""


def _frames(generator: Any) -> list[Any]:
    """Return the frames of a suspended generator and of those that it delegates to, the innermost last."""
    found = []
    while isinstance(generator, GeneratorType) and generator.gi_frame is not None:
        found.append(generator.gi_frame)
        generator = generator.gi_yieldfrom
    return found
