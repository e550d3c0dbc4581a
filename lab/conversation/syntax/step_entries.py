"""The steps of a conversation: the keys of each kind."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import msgspec

from lab.conversation.syntax.expectations import Captures, Expect, Expects
from lab.conversation.syntax.framings import Framing
from lab.conversation.syntax.source import Map, Mistake, Node, Place, Scalar, Sequence, unknown
from lab.conversation.syntax.structure import Entry, structure
from lab.conversation.syntax.text import Text
from lab.conversation.syntax.values import Duration, Flag, Leaf, Name, Size, Whole, one_of, written


class Timeout(Duration):
    """Seconds; `forever` has no end."""

    __slots__ = ()

    expected = f"forever, or {Duration.expected}"
    schema: ClassVar[dict[str, Any]] = {"anyOf": [{"const": "forever"}, Duration.schema]}

    @classmethod
    def parsed(cls, text: str) -> float:
        """Return the seconds."""
        return math.inf if text == "forever" else Duration.parsed(text)


class More(Leaf):
    """How many bytes follow a frame: the group that says it ("": none), and so many more."""

    __slots__ = ()

    value: tuple[str, int]
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^\{\w+\} *([+-] *\d+)?$"}],
        "description": "a number of bytes, or {group}+2: what a group of expect's regex says, and two more",
    }

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the number of a node. Raises Mistake."""
        expected = 'a number of bytes, or a group and more: "{len}+2"'
        text = written(node, expected).text.replace(" ", "")
        name, brace, extra = text.removeprefix("{").partition("}")
        if text.startswith("{") != bool(brace) or (not brace and not text.isdecimal()):
            raise Mistake(node.place, f"`{text}` is not valid", f"expected {expected}", "correct it")
        if not brace:
            return cls(node, ("", int(text)))
        try:
            return cls(node, (name, int(extra or 0)))
        except ValueError:
            raise Mistake(node.place, f"`{text}` is not valid", f"expected {expected}", "correct it") from None


class ThenEntry(Entry):
    """Bytes that follow the frame and belong to the reply."""

    size: More = msgspec.field(name="bytes")


class SendEntry(Entry):
    """Sends a message, and by default waits for its reply."""

    send: Text
    name: Name | None = None
    expect: Expects | None = None
    reject: Expects | None = None
    until: Expect | None = None
    frames: Whole | None = None
    then: ThenEntry | None = None
    reply: Flag | None = None
    inflight: Whole | None = None
    capture: Captures | None = None


class RawEntry(Entry):
    """Sends bytes outside the framing."""

    raw: Text


class PartOfMessage(Entry):
    """A message of which only the first bytes are sent."""

    send: Text
    size: Whole = msgspec.field(name="bytes")


class PartEntry(Entry):
    """Sends only the first bytes of a message and its frame."""

    part: PartOfMessage


class ReceiveEntry(Entry):
    """Waits for a message that is no reply."""

    receive: Expect
    name: Name | None = None
    timeout: Timeout | None = None
    required: Flag | None = None
    capture: Captures | None = None


class WaitEntry(Entry):
    """Waits."""

    wait: Duration


class Close(Leaf):
    """How a connection ends."""

    __slots__ = ()

    value: bool
    schema: ClassVar[dict[str, Any]] = {"enum": ["reset", "end"], "description": "end, or reset: a TCP reset"}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return whether a node says reset. Raises Mistake."""
        return cls(node, one_of(node, ["reset", "end"], "reset (a TCP reset) or end (the usual end)") == "reset")


class CloseEntry(Entry):
    """Ends the connection."""

    close: Close


class FramingEntry(Entry):
    """Uses another framing from here on."""

    framing: Framing


class Rates(Entry):
    """Bytes a second."""

    send: Size | None = None
    receive: Size | None = None


class ThrottleEntry(Entry):
    """Makes a slow client of it."""

    throttle: Rates


STEPS: dict[str, type[Entry]] = {
    "send": SendEntry,
    "raw": RawEntry,
    "part": PartEntry,
    "receive": ReceiveEntry,
    "wait": WaitEntry,
    "close": CloseEntry,
    "framing": FramingEntry,
    "throttle": ThrottleEntry,
}
WORDS = ("connect", "close", "starttls", "shutdown")
_A_STEP = f"a step, which begins with one of {', '.join(dict.fromkeys((*STEPS, *WORDS)))}"

_STEP = {"anyOf": [{"enum": list(WORDS)}, *STEPS.values()]}


@dataclass(frozen=True)
class StepNode:
    """A step as it stands in the file; `entry` is None for a word."""

    node: Node
    kind: str
    entry: Any

    def at(self, key: str) -> Place:
        """Return the place of one of its keys."""
        return self.node.keys_at[key] if isinstance(self.node, Map) else self.node.place


class Steps(Leaf):
    """One step or a list of steps."""

    __slots__ = ()

    value: list[StepNode]
    schema: ClassVar[dict[str, Any]] = {"anyOf": [_STEP, {"type": "array", "items": _STEP, "minItems": 1}]}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the steps of a node. Raises Mistake."""
        if isinstance(node, Sequence) and not node:
            raise Mistake(node.place, "a list without a step", f"expected {_A_STEP}", "write one")
        return cls(node, [_step(each) for each in (node if isinstance(node, Sequence) else [node])])


def _step(node: Node) -> StepNode:
    if isinstance(node, Scalar):
        return StepNode(node, one_of(node, list(WORDS), f"{_A_STEP}; alone {', '.join(WORDS)}"), None)
    if not isinstance(node, Map):
        raise Mistake(node.place, f"{node.kind} stands here", f"expected {_A_STEP}", "write one")
    kinds = [name for name in node if name in STEPS]
    if len(kinds) != 1:
        raise _no_step(node, kinds)
    return StepNode(node, kinds[0], structure(node, STEPS[kinds[0]]))


def _no_step(node: Map, kinds: list[str]) -> Mistake:
    if kinds:
        return Mistake(
            node.keys_at[kinds[1]], f"a step with {' and '.join(kinds)}", "a step does one thing", "make two of it"
        )
    first = next(iter(node), "")
    place = node.keys_at.get(first, node.place)
    if first in WORDS:
        return Mistake(place, f"`{first}` has no options", "expected the word alone", f"write `- {first}`")
    wrong = unknown(first, [*STEPS, *WORDS]) if first else "an empty step"
    return Mistake(place, wrong, f"expected {_A_STEP}", "begin the step with one of them")
