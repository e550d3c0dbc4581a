"""What a conversation's file may contain: one entry for each map, with its keys."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Self

import msgspec

from lab.conversation.syntax.expectations import Expect, ExpectEntry, Part
from lab.conversation.syntax.framings import Framing
from lab.conversation.syntax.source import Map, Mistake, Node, Scalar, Sequence
from lab.conversation.syntax.step_entries import Steps
from lab.conversation.syntax.structure import Entry, structure
from lab.conversation.syntax.text import Text
from lab.conversation.syntax.thresholds import ThresholdsEntry
from lab.conversation.syntax.values import Duration, Flag, Leaf, Name, Number, Prose, Whole, one_of
from rawsocket.settings.suggestion import listed
from rawsocket.shapes.document import from_document
from rawsocket.shapes.shape import SHAPES


class HeartbeatEntry(Entry):
    """A message that is sent again and again, beside the steps."""

    every: Duration
    send: Text
    expect: Expect | None = None
    name: Name | None = None
    reply: Flag | None = None
    idle: Flag | None = None


class PushEntry(ExpectEntry):
    """A message that is no reply, and the answer to it."""

    text: Text | None = None
    answer: Text | None = None


@dataclass(frozen=True)
class PushNode:
    """A push: what it is, and its answer."""

    match: Expect
    answer: Text | None


class Pushes(Leaf):
    """The messages that are no replies."""

    __slots__ = ()

    value: list[PushNode]
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [{"type": "string"}, PushEntry, {"type": "array", "items": {"anyOf": [{"type": "string"}, PushEntry]}}]
    }

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the pushes of a node. Raises Mistake."""
        return cls(node, [_push(each) for each in (node if isinstance(node, Sequence) else [node])])


def _push(node: Node) -> PushNode:
    if not isinstance(node, Map):
        return PushNode(Expect.read(node), None)
    answer = structure(node, PushEntry).answer
    match = Map(node.place)
    for name in node.keys() - {"answer"}:
        match[name], match.keys_at[name] = node[name], node.keys_at[name]
    return PushNode(Expect.read(match["text"] if list(match) == ["text"] else match), answer)


class DataEntry(Entry):
    """A CSV file with a row for each user."""

    file: Name
    repeat: Flag | None = None


class Rows(Leaf):
    """The file of the rows and whether they are used again."""

    __slots__ = ()

    value: tuple[Name, bool]
    schema: ClassVar[dict[str, Any]] = {"anyOf": [Name, DataEntry]}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the data of a node. Raises Mistake."""
        if isinstance(node, Scalar):
            return cls(node, (Name.read(node), False))
        entry = structure(node, DataEntry)
        return cls(node, (entry.file, bool(entry.repeat and entry.repeat.value)))


class IdsEntry(Entry):
    """Where the id stands in a request and in its reply."""

    request: Part
    reply: Part


class Ids(Leaf):
    """Where the id stands: in both in the same place, or in each in another one."""

    __slots__ = ()

    value: tuple[Part, Part]
    schema: ClassVar[dict[str, Any]] = {"anyOf": [Part, IdsEntry]}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the fields of a node. Raises Mistake."""
        if isinstance(node, Map) and node.keys() & {"request", "reply"}:
            entry = structure(node, IdsEntry)
            return cls(node, (entry.request, entry.reply))
        part = Part.read(node)
        return cls(node, (part, part))


class TlsEntry(Entry):
    """TLS to the target; paths begin in the folder of the file."""

    ca: Name | None = None
    name: Name | None = None
    cert: Name | None = None
    key: Name | None = None
    verify: Flag | None = None


class Shape(Leaf):
    """A load shape, which rawsocket/shapes reads."""

    __slots__ = ()

    value: dict[str, Any]
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {
            name: {
                "type": "object",
                "additionalProperties": False,
                "properties": {key: {"type": ["integer", "string"]} for key in kind.KEYS.values()},
            }
            for name, kind in SHAPES.items()
        },
    }

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the map of a node. Raises Mistake."""
        value = _plain(node)
        try:
            from_document(value)
        except ValueError as error:
            wrong, _, expected = str(error).partition("expected ")
            place = _deepest(node, wrong.split(": ")).place
            raise Mistake(
                place, wrong.rstrip(" :;"), f"expected {expected or 'another key'}", "see docs/shapes.md"
            ) from None
        return cls(node, value)


def _deepest(node: Node, names: list[str]) -> Node:
    """Return the node to which these keys lead, as far as they do."""
    for name in names:
        if not isinstance(node, Map) or name not in node:
            break
        node = node[name]
    return node


def _plain(node: Node) -> Any:
    if isinstance(node, Map):
        return {name: _plain(each) for name, each in node.items()}
    return [_plain(each) for each in node] if isinstance(node, Sequence) else node.text


class DrillName(Leaf):
    """The name of a drill."""

    __slots__ = ()

    value: str
    schema: ClassVar[dict[str, Any]] = {"type": "string", "description": "a name of `drill list`"}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the name of a node. Raises Mistake."""
        known = list(import_module("lab.drills.table").by_name())  # by its name: drills read conversations themselves
        return cls(node, one_of(node, known, f"one of {listed(known)}"))


class DrillEntry(Entry):
    """A fault in the run of this conversation."""

    name: DrillName
    at: Duration | None = None
    lasts: Duration | None = msgspec.field(default=None, name="for")


class Document(Entry):
    """One conversation with a server."""

    description: Prose | None = None
    framing: Framing | None = None
    target: Name | None = None
    timeout: Duration | None = None
    users: Whole | None = None
    rate: Number | None = None
    time: Duration | None = None
    tls: TlsEntry | None = None
    thresholds: ThresholdsEntry | None = None
    every: Duration | None = None
    rounds: Whole | None = None
    data: Rows | None = None
    connect: Steps | None = None
    steps: Steps | None = None
    goodbye: Steps | None = None
    heartbeat: HeartbeatEntry | None = None
    pushes: Pushes | None = None
    match: Ids | None = None
    shape: Shape | None = None
    drill: DrillEntry | None = None
