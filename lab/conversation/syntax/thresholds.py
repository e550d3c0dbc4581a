"""The thresholds of a conversation: limits for all rows of the statistics together, and for single rows."""

from typing import Any, ClassVar, Self

from lab.conversation.syntax.source import Map, Node
from lab.conversation.syntax.structure import Entry
from lab.conversation.syntax.values import Duration, Leaf, Number, Share, Whole


class Latency(Duration):
    """Seconds, written with their unit."""

    __slots__ = ()

    expected = "a time with its unit, such as 20ms or 1s"
    schema: ClassVar[dict[str, Any]] = {"type": "string", "pattern": r"^(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(\d+(\.\d+)?ms)?$"}

    @classmethod
    def parsed(cls, text: str) -> float:
        """Return the seconds."""
        if not text[-1:].isalpha():
            raise ValueError(text)
        return Duration.parsed(text)


class _Limits(Leaf):
    """A limit for all rows together, or a map with a limit for each row."""

    __slots__ = ()

    value: dict[str, Any]
    each: ClassVar[type[Leaf]]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return {row: limit} of a node; "" is all rows together. Raises Mistake."""
        if not isinstance(node, Map):
            return cls(node, {"": cls.each.read(node).value})
        return cls(node, {"" if row == "all" else row: cls.each.read(limit).value for row, limit in node.items()})


class Latencies(_Limits):
    """Limits of a latency."""

    __slots__ = ()

    each = Latency
    schema: ClassVar[dict[str, Any]] = {"anyOf": [Latency, {"type": "object", "additionalProperties": Latency}]}


class Shares(_Limits):
    """Limits of failures."""

    __slots__ = ()

    each = Share
    schema: ClassVar[dict[str, Any]] = {"anyOf": [Share, {"type": "object", "additionalProperties": Share}]}


class Rate(_Limits):
    """Limits of messages a second."""

    __slots__ = ()

    each = Number
    schema: ClassVar[dict[str, Any]] = {"anyOf": [Number, {"type": "object", "additionalProperties": Number}]}


class ThresholdsEntry(Entry):
    """What the verdict judges."""

    p50: Latencies | None = None
    p95: Latencies | None = None
    p99: Latencies | None = None
    p99_9: Latencies | None = None
    failures: Shares | None = None
    held: Whole | None = None
    messages_s: Rate | None = None
