"""The step that is played: where it is written, which step of a conversation it is, what it captures. Pure.

The generator of a conversation is rawsocket/conversation/user.py's: its local variables `op`, whose `line` is that of
the step in the file, and `turn`, the number of the round, are read here.
"""

import re
from collections.abc import Iterator, Mapping
from types import GeneratorType
from typing import Any

from rawsocket.conversation.plan import Field, Plan, Step
from rawsocket.measurement.scenario_errors import INSTALLED, place
from rawsocket.wire.framing import Framing


def step_of_plan(plan: Plan, generator: Any, name: str) -> Step | None:
    """Return the step of a conversation that a suspended generator executes; `name` of a step chooses between two."""
    line = getattr(_local(generator, "op"), "line", 0)
    found = [step for step in (*plan.connect, *plan.steps, *plan.goodbye) if step.line == line]
    return next((step for step in found if step.name == name), found[0] if found else None)


def turn(generator: Any) -> int:
    """Return the number of a conversation's round, 0 before the first."""
    found = _local(generator, "turn")
    return found if isinstance(found, int) else 0


def place_of_step(plan: Plan, step: Step) -> str:
    """Return FILE:LINE of a step of a conversation."""
    return f"{plan.file}:{step.line}"


def place_of_yield(generator: Any) -> str:
    """Return FILE:LINE of the innermost yield that a scenario has written; "" if it is in none of its files."""
    own = [frame for frame in _frames(generator) if not frame.f_code.co_filename.startswith(INSTALLED)]
    return place(own[-1].f_code.co_filename, own[-1].f_lineno) if own else ""


def _local(generator: Any, name: str) -> Any:
    return next((frame.f_locals[name] for frame in reversed(_frames(generator)) if name in frame.f_locals), None)


def _frames(generator: Any) -> list[Any]:
    """Return the frames of a suspended generator and of those that it delegates to, the innermost last."""
    found = []
    while isinstance(generator, GeneratorType) and generator.gi_frame is not None:
        found.append(generator.gi_frame)
        generator = generator.gi_yieldfrom
    return found


def captured(step: Step, reply: Any, framing: Framing) -> Mapping[str, bytes]:
    """Return what a step captures from its reply, be it a message or a list of frames.

    Where raw bytes follow a frame (`then`), the frame alone counts as well.
    """
    frames = [reply] if isinstance(reply, bytes) else reply if isinstance(reply, list) else []
    head = getattr(framing.receives, "head", None)
    frames = [*frames, *(map(head, frames) if head is not None else ())]
    return dict(found for frame in reversed(frames) for found in _of_frame(step, frame))


def _of_frame(step: Step, frame: bytes) -> Iterator[tuple[str, bytes]]:
    for expectation in (*step.expect, *([step.until] if step.until is not None else [])):
        match = re.search(expectation.pattern, frame) if expectation.kind == "regex" else None
        if match is not None:
            yield from ((name, value) for name, value in match.groupdict().items() if value is not None)
    for name, field in step.captures.items():
        value = _value(field, frame)
        if value is not None:
            yield name, value


def _value(field: Field, frame: bytes) -> bytes | None:
    if field.pattern:
        match = re.search(field.pattern, frame)
        return None if match is None else match[1] if match.re.groups else match[0]
    value = frame[field.at : field.at + field.size]
    return value if len(value) == field.size else None
