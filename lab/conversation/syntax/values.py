"""The values of a conversation's file that are not text of a message: durations, sizes, numbers, yes and no, names.

Each is a class that reads a node. `schema` is its JSON Schema.
"""

import re
from typing import Any, ClassVar, Self

from lab.conversation.syntax.source import Map, Mistake, Node, Place, Scalar, Sequence
from rawsocket.settings.suggestion import suggestion

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(k|m|g)?b?", re.I)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%?")
_WHOLE = re.compile(r"0|[1-9]\d*")


class Leaf:
    """A value and the node that it was read from."""

    __slots__ = ("node", "value")

    schema: ClassVar[dict[str, Any]] = {}
    value: Any

    def __init__(self, node: Node, value: Any) -> None:
        self.node = node
        self.value = value

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.node.place

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the value of a node. Raises Mistake."""
        raise NotImplementedError


def written(node: Node, expected: str) -> Scalar:
    """Return the node as a scalar that has a text. Raises Mistake."""
    if not isinstance(node, Scalar):
        hint = "; put a text that begins with { into quotes" if isinstance(node, Map) else ""
        raise Mistake(node.place, f"{node.kind} stands here", f"expected {expected}", f"write that instead{hint}")
    if not node.text and not node.style:
        raise Mistake(node.place, "the value is missing", f"expected {expected}", "write it, or remove the key")
    return node


class _Matched(Leaf):
    """A value whose text matches a pattern."""

    __slots__ = ()

    expected: ClassVar[str]

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the value of a node. Raises Mistake."""
        scalar = written(node, cls.expected)
        try:
            return cls(node, cls.parsed(scalar.text.strip()))
        except ValueError:
            raise Mistake(
                node.place, f"`{scalar.text}` is not valid", f"expected {cls.expected}", "correct it"
            ) from None

    @classmethod
    def parsed(cls, text: str) -> Any:
        """Return the value. ValueError if it is none."""
        raise NotImplementedError


class Duration(_Matched):
    """Seconds."""

    __slots__ = ()

    value: float
    expected = "a time such as 50ms, 10s, 2m or 1h30m (a number alone is seconds)"
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "number", "minimum": 0},
            {"type": "string", "pattern": r"^(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(\d+(\.\d+)?ms)?$"},
        ],
        "description": "a time: 50ms, 10s, 2m, 1h30m; a number alone is seconds",
    }

    @classmethod
    def parsed(cls, text: str) -> float:
        """Return the seconds."""
        if _NUMBER.fullmatch(text):
            return float(text)
        match = _DURATION.fullmatch(text)
        if not match or not text:
            raise ValueError(text)
        hours, minutes, rest, milliseconds = (float(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + rest + milliseconds / 1000


class Size(_Matched):
    """Bytes."""

    __slots__ = ()

    value: int
    expected = "a size such as 10, 64kb or 1mb (a number alone is bytes)"
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "string", "pattern": r"^\d+(\.\d+)?\s*([kKmMgG]?[bB]?)$"},
        ],
        "description": "a size: 10, 64kb, 1mb; a number alone is bytes",
    }

    @classmethod
    def parsed(cls, text: str) -> int:
        """Return the bytes."""
        match = _SIZE.fullmatch(text)
        if not match:
            raise ValueError(text)
        return int(float(match[1]) * 1024 ** " kmg".index((match[2] or " ").lower()))


class Whole(_Matched):
    """A whole number of at least 0."""

    __slots__ = ()

    value: int
    expected = "a whole number, such as 0, 1 or 12"
    schema: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 0}

    @classmethod
    def parsed(cls, text: str) -> int:
        """Return the number."""
        if not _WHOLE.fullmatch(text):
            raise ValueError(text)
        return int(text)


class Signed(Whole):
    """A whole number."""

    __slots__ = ()

    expected = "a whole number, such as -2, 0 or 12"
    schema: ClassVar[dict[str, Any]] = {"type": "integer"}

    @classmethod
    def parsed(cls, text: str) -> int:
        """Return the number."""
        return -Whole.parsed(text[1:]) if text.startswith("-") else Whole.parsed(text)


class Number(_Matched):
    """A number above 0, as text and as number."""

    __slots__ = ()

    value: float
    expected = "a number above 0, such as 50 or 0.5"
    schema: ClassVar[dict[str, Any]] = {"type": "number", "exclusiveMinimum": 0}

    @classmethod
    def parsed(cls, text: str) -> float:
        """Return the number."""
        if not _NUMBER.fullmatch(text) or not float(text):
            raise ValueError(text)
        return float(text)


class Flag(_Matched):
    """Yes or no."""

    __slots__ = ()

    value: bool
    expected = "yes or no"
    schema: ClassVar[dict[str, Any]] = {"enum": [True, False, "yes", "no"], "description": "yes or no"}

    @classmethod
    def parsed(cls, text: str) -> bool:
        """Return whether it is yes."""
        if text.lower() not in ("yes", "no", "true", "false"):
            raise ValueError(text)
        return text.lower() in ("yes", "true")


class Share(_Matched):
    """A number of failures, or a share of the messages with %: the text of the setting."""

    __slots__ = ()

    value: str
    expected = "a number of failures such as 0, or a share such as 0.1%"
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?%$"}],
        "description": "a number, or a share such as 0.1%",
    }

    @classmethod
    def parsed(cls, text: str) -> str:
        """Return the text."""
        if not _SHARE.fullmatch(text) or ("." in text and not text.endswith("%")):
            raise ValueError(text)
        return text


class Name(Leaf):
    """A text that is no message: a name, a path. It has no escapes and no values."""

    __slots__ = ()

    value: str
    schema: ClassVar[dict[str, Any]] = {"type": "string", "minLength": 1}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the text of a node. Raises Mistake."""
        scalar = not_converted(written(node, "a text"))
        if not scalar.text.strip() or not scalar.text.isprintable():
            raise Mistake(node.place, "no name stands here", "expected a text that can be shown", "write one")
        return cls(node, scalar.text.strip())


class Prose(Leaf):
    """Text for people, of any number of lines."""

    __slots__ = ()

    value: str
    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the text of a node. Raises Mistake."""
        return cls(node, written(node, "a text").text)


def not_converted(scalar: Scalar) -> Scalar:
    """Return the scalar, if YAML leaves it a text. Raises Mistake."""
    if scalar.converted:
        raise Mistake(
            scalar.place,
            f"YAML takes `{scalar.text}` for {scalar.converted}",
            "expected a text",
            f'write it in quotes: "{scalar.text}"',
        )
    return scalar


def one_of(node: Node, words: list[str], expected: str) -> str:
    """Return the word of a node, which is one of `words`. Raises Mistake."""
    scalar = written(node, expected)
    if scalar.text not in words:
        raise Mistake(
            node.place, f"`{scalar.text}` is not known here", f"expected {expected}",
            suggestion(scalar.text, words).removeprefix("; ") or "use one of them",
        )  # fmt: skip
    return scalar.text


def each(node: Node) -> list[Node]:
    """Return the entries of a list, or the node itself as the only one."""
    return list(node) if isinstance(node, Sequence) else [node]
