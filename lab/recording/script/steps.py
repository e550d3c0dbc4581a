"""The conversation that was recorded, step by step, before it becomes the text of a file. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.recording.script.expectations import Expectation, Replied
from lab.recording.script.templates import Text


@dataclass
class Step:
    """One step: a message (`text`), a message of the server alone (`text` empty), or only a pause of `seconds`."""

    text: Text = field(default_factory=list)
    name: str = ""
    replied: Replied = field(default_factory=Replied)
    captures: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Script:
    """A whole conversation. `every`: None where one round says nothing about it; `notes` stand at its top."""

    framing: str
    target: str
    notes: list[str] = field(default_factory=list)
    connect: list[Step] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    goodbye: list[Step] = field(default_factory=list)
    every: float | None = None
    rounds: int = 0
    columns: list[str] = field(default_factory=list)
    recorded: str = ""  # how much it was, in words
    pushes: Sequence[tuple[Expectation, Text]] = ()  # with the answer to each, if there is one
