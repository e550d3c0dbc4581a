"""The framings of a conversation: their options, and what the plan has of them.

The value of a framing is a map of its options, or its main option alone: `{fixed: 12}` is `{fixed: {size: 12}}`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import msgspec

from lab.conversation.syntax.framing_errors import framing_mistake
from lab.conversation.syntax.source import Map, Mistake, Node, Scalar, unknown
from lab.conversation.syntax.structure import Entry, structure, types
from lab.conversation.syntax.text import Pattern, Text
from lab.conversation.syntax.values import Duration, Flag, Leaf, Signed, Size, Whole, one_of
from rawsocket.conversation.framings import framing_of
from rawsocket.conversation.plan import FramingPlan

Arguments = dict[str, Any]


class Order(Leaf):
    """The order of the bytes of a number."""

    __slots__ = ()

    value: str
    schema: ClassVar[dict[str, Any]] = {"enum": ["big", "little"]}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the order of a node. Raises Mistake."""
        return cls(node, one_of(node, ["big", "little"], "big or little"))


class LineEntry(Entry):
    r"""Messages end with \n."""

    max: Size | None = None
    many: Flag | None = None


class DelimiterEntry(Entry):
    """Messages end with `end`."""

    end: Text
    max: Size | None = None
    many: Flag | None = None


class ChunkEntry(Entry):
    """What a read brings is a message."""


class FixedEntry(Entry):
    """Messages have `size` bytes."""

    size: Size


class LengthEntry(Entry):
    """A number says how long a message is.

    Without `at` and `adjust` the framing adds it; with one of them the message is the whole frame, with {length}.
    """

    at: Whole | None = None
    size: Whole | None = None
    order: Order | None = None
    adjust: Signed | None = None
    includes_header: Flag | None = None
    max: Size | None = None


class VarintEntry(Entry):
    """A varint says how long a message is. With `at` above 0 the message is the whole frame."""

    at: Whole | None = None
    max: Size | None = None


class MarksEntry(Entry):
    """Messages stand between two marks."""

    start: Text
    end: Text
    skip_between: Flag | None = None
    max: Size | None = None


class UntilEntry(Entry):
    """A message ends with the first match of an expression."""

    regex: Pattern
    max_match: Size | None = None
    max: Size | None = None


class HeadEntry(Entry):
    """A head that ends with `end` says with `length`, an expression with one group, how many bytes follow."""

    end: Text
    length: Pattern
    after: Text | None = None
    max: Size | None = None


class IdleEntry(Entry):
    """A message ends with a pause."""

    gap: Duration
    max: Size | None = None


class EofEntry(Entry):
    """A message ends with the connection."""

    empty: Flag | None = None
    max: Size | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of framing: its options, the main one ("": none), and the name of its class for them."""

    entry: type[Entry]
    main: str
    name: Callable[[Any], str]
    #: Options whose name in the class is another one.
    renamed: dict[str, str]


def _always(name: str) -> Callable[[Any], str]:
    return lambda entry: name


def _length(entry: LengthEntry) -> str:
    return "LengthPrefixed" if entry.at is None and entry.adjust is None else "LengthField"


_LENGTH = {"order": "byteorder", "at": "offset"}
KINDS = {
    "line": Kind(LineEntry, "", _always("Line"), {}),
    "delimiter": Kind(DelimiterEntry, "end", _always("Delimiter"), {"end": "mark"}),
    "chunk": Kind(ChunkEntry, "", _always("Chunk"), {}),
    "fixed": Kind(FixedEntry, "size", _always("Fixed"), {}),
    "length": Kind(LengthEntry, "size", _length, _LENGTH),
    "varint": Kind(VarintEntry, "at", _always("Varint"), {"at": "offset"}),
    "marks": Kind(MarksEntry, "", _always("Marks"), {}),
    "until": Kind(UntilEntry, "regex", _always("UntilPattern"), {"regex": "pattern"}),
    "head": Kind(HeadEntry, "", _always("LengthInText"), {"length": "pattern"}),
    "idle": Kind(IdleEntry, "gap", _always("IdleGap"), {"gap": "seconds"}),
    "eof": Kind(EofEntry, "", _always("UntilClosed"), {}),
}
_EXPECTED = f"one of {', '.join(KINDS)}, or {{send: ..., receive: ...}}"


class Framing(Leaf):
    """A framing by its name, or by its name and options."""

    __slots__ = ()

    value: FramingPlan

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the framing of a node. Raises Mistake."""
        if isinstance(node, Scalar):
            name = one_of(node, list(KINDS), _EXPECTED)
            return cls(node, _plan(name, Map(node.place), node))
        if not isinstance(node, Map):
            raise Mistake(node.place, f"{node.kind} stands here", f"expected {_EXPECTED}", "write one of them")
        if node.keys() & {"send", "receive"}:
            return cls(node, _both(node))
        if len(node) != 1:
            wrong = f"a framing with the keys {', '.join(node)}" if node else "a framing without a name"
            raise Mistake(node.place, wrong, f"expected {_EXPECTED}", "keep one key; options stand below it")
        ((name, options),) = node.items()
        if name not in KINDS:
            raise Mistake(
                node.keys_at[name], unknown(name, list(KINDS)).replace("key", "framing"), f"expected {_EXPECTED}",
                "correct it",
            )  # fmt: skip
        return cls(node, _plan(name, options, options))


class BothEntry(Entry):
    """A framing for each direction."""

    send: Framing
    receive: Framing


def _schema() -> dict[str, Any]:
    """Return the JSON Schema of a framing, with the classes of its options in it."""
    fields = {
        name: {each.encode_name: each for each in msgspec.structs.fields(kind.entry)} for name, kind in KINDS.items()
    }
    alone = [name for name, each in fields.items() if not any(option.required for option in each.values())]
    options = {
        name: {"anyOf": [*types(fields[name][kind.main].type), kind.entry] if kind.main else [kind.entry]}
        for name, kind in KINDS.items()
    }
    one = {
        "type": "object",
        "properties": options,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [{"enum": alone}, one, BothEntry]}


Framing.schema = _schema()


def _both(node: Map) -> FramingPlan:
    """Return a framing for each direction."""

    both = structure(node, BothEntry)
    for framing in (both.send, both.receive):
        if framing.value.name == "Framings":
            raise Mistake(framing.place, "send and receive within send or receive", "one framing each", "remove it")
    return FramingPlan("Framings", {"send": both.send.value, "receive": both.receive.value})


def _plan(name: str, options: Node, node: Node) -> FramingPlan:
    kind = KINDS[name]
    if isinstance(options, Map) and not (options and options.keys() <= {"hex", "file"}):
        entry = structure(options, kind.entry)
    elif kind.main:
        only = Map(node.place)
        only[kind.main] = options
        only.keys_at[kind.main] = options.place
        entry = structure(only, kind.entry)
    else:
        raise Mistake(node.place, f"{node.kind} stands here", f"expected the options of {name} as a map", "correct it")
    return checked(FramingPlan(kind.name(entry), _arguments(kind, entry)), node)


def _arguments(kind: Kind, entry: Entry) -> Arguments:
    found: Arguments = {}
    for option in entry.__struct_fields__:
        leaf = getattr(entry, option)
        if leaf is not None:
            found[_argument(kind, entry, option)] = leaf.constant() if isinstance(leaf, Text) else leaf.value
    return found


def _argument(kind: Kind, entry: Entry, option: str) -> str:
    """Return the name of an option in the framing's class."""
    if option == "includes_header":
        return "counts_header" if kind.name(entry) == "LengthPrefixed" else "includes_header"
    return "max_size" if option == "max" else kind.renamed.get(option, option)


def checked(plan: FramingPlan, node: Node) -> FramingPlan:
    """Return a framing that its class accepts. Raises Mistake."""
    try:
        framing_of(plan)
    except ValueError as error:
        raise framing_mistake(error, node.place, "this can't be a framing") from None
    return plan
