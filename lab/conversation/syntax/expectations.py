"""What a reply must be: exactly a text, or something that says less."""

import re
from typing import Any, ClassVar, Self

import msgspec

from lab.conversation.syntax.scope import Scope
from lab.conversation.syntax.source import Map, Mistake, Node, Place, Scalar, Sequence
from lab.conversation.syntax.structure import Entry, given, structure
from lab.conversation.syntax.text import Pattern, Text
from lab.conversation.syntax.values import Leaf, Name, Size, Whole
from rawsocket.conversation.plan import BUILT_IN, Expectation, Field

_EXPECTED = "a text, any, or a map with one of hex, file, prefix, suffix, contains, regex, bytes"


def pattern_of_text(kind: str, text: bytes) -> bytes:
    """Return the expression that a message matches if a text is exactly it, its prefix, its suffix, or within it."""
    return {"exact": rb"\A%s\Z", "prefix": rb"\A%s", "suffix": rb"%s\Z", "contains": b"%s"}[kind] % re.escape(text)


class Expected(Text):
    """A text in which `??` in hex is any byte."""

    __slots__ = ()

    wildcards = True


class Hex(Leaf):
    """Bytes in hex, which `Expected` reads."""

    __slots__ = ()

    schema: ClassVar[dict[str, Any]] = {"type": "string", "description": "bytes in hex: 81 00 ?? ??; ?? is any byte"}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the node."""
        return cls(node, node)


class ExpectEntry(Entry):
    """An expectation that says less than a whole text; one of the keys."""

    hex: Hex | None = None
    file: Name | None = None
    prefix: Expected | None = None
    suffix: Expected | None = None
    contains: Expected | None = None
    regex: Pattern | None = None
    size: Whole | None = msgspec.field(default=None, name="bytes")


class Expect(Leaf):
    """What a message must be. `value`: the kind, and what belongs to it."""

    __slots__ = ()

    value: tuple[str, Any]
    schema: ClassVar[dict[str, Any]] = {"anyOf": [{"type": "string"}, ExpectEntry]}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the expectation of a node. Raises Mistake."""
        if isinstance(node, Scalar):
            return cls(node, ("any", None) if node.text == "any" and not node.style else ("exact", Expected.read(node)))
        if isinstance(node, Sequence):
            raise Mistake(node.place, "a list stands here", f"expected {_EXPECTED}", "write one of them")
        found = given(structure(node, ExpectEntry))
        if len(found) != 1:
            names = " and ".join(found) or "nothing"
            raise Mistake(node.place, f"an expectation with {names}", f"expected {_EXPECTED}", "keep one key")
        ((kind, value),) = found.items()
        if kind in ("hex", "file"):
            return cls(node, ("exact", Expected.read(node)))
        return cls(node, (kind, value.value if kind in ("regex", "bytes") else value))

    @property
    def groups(self) -> list[str]:
        """The names of the groups of its expression, which are captures."""
        kind, value = self.value
        return list(re.compile(value).groupindex) if kind == "regex" else []

    @property
    def pattern(self) -> bytes | None:
        """It as an expression; None if it has values, and `any` and sizes have none either."""
        kind, value = self.value
        if kind == "regex":
            return bytes(value)
        if not isinstance(value, Text) or not all(isinstance(piece, bytes) for piece in value.value):
            return None
        return pattern_of_text(kind, value.constant())

    def plan(self, scope: Scope) -> Expectation:
        """Return it for the plan. Raises Mistake."""
        kind, value = self.value
        if kind == "regex":
            return Expectation("regex", pattern=value)
        if kind == "bytes":
            return Expectation("size", size=value)
        if kind == "any":
            return Expectation("any")
        template = value.template(scope)
        if kind != "exact" and not template.pieces:
            raise Mistake(value.place, f"an empty {kind}", "every message has it", "write some of the text, or any")
        return Expectation(kind, text=template)  # type: ignore[arg-type]


class Expects(Leaf):
    """One expectation, or a list with one for each frame."""

    __slots__ = ()

    value: list[Expect]
    schema: ClassVar[dict[str, Any]] = {"anyOf": [Expect, {"type": "array", "items": Expect, "minItems": 1}]}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the expectations of a node. Raises Mistake."""
        if isinstance(node, Sequence) and not node:
            raise Mistake(node.place, "the list is empty", f"expected {_EXPECTED}", "write one, or remove the key")
        return cls(node, [Expect.read(each) for each in (node if isinstance(node, Sequence) else [node])])


class FieldEntry(Entry):
    """Some bytes of a message: `size` bytes at `at`, or the first group of an expression."""

    at: Whole | None = None
    size: Size | None = None
    regex: Pattern | None = None


class Part(Leaf):
    """Some bytes of a message."""

    __slots__ = ()

    value: Field
    schema: ClassVar[dict[str, Any]] = {"anyOf": [FieldEntry]}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the field of a node. Raises Mistake."""
        entry = structure(node, FieldEntry)
        if entry.regex is not None and entry.at is None and entry.size is None:
            return cls(node, Field(pattern=entry.regex.value))
        if entry.regex is None and entry.size is not None and entry.size.value:
            return cls(node, Field(at=entry.at.value if entry.at else 0, size=entry.size.value))
        raise Mistake(
            node.place,
            "this does not say which bytes",
            "expected {at: 4, size: 2} or {regex: 'id=(\\d+)'}",
            "correct it",
        )


class Captures(Leaf):
    """Fields by the name that they get."""

    __slots__ = ()

    value: dict[str, Field]
    schema: ClassVar[dict[str, Any]] = {"type": "object", "additionalProperties": Part, "minProperties": 1}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the fields of a node. Raises Mistake."""
        if not isinstance(node, Map) or not node:
            raise Mistake(
                node.place, f"{node.kind} stands here", "expected {name: {at: 4, size: 2}}", "name the capture"
            )
        for name, place in node.keys_at.items():
            check_capture(place, name)
        return cls(node, {name: Part.read(each).value for name, each in node.items()})


def check_capture(place: Place, name: str) -> None:
    """Refuse a name that no capture can have. Raises Mistake."""
    if name in BUILT_IN:
        raise Mistake(place, f"a capture `{name}`", "that is the name of a built-in value", "choose another name")
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise Mistake(place, f"a capture `{name}`", "expected letters, digits and _", "choose another name")
