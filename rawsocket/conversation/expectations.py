"""What a message must be: a test of its bytes, and what to say if it fails. Pure.

Strategy: an expectation without values is one `Rule`, made once. One with values becomes a function that makes the rule
of a message when that message is sent.

With `then`, raw bytes may follow a frame and belong to its message. A rule is met if the frame alone meets it, or the
frame with these bytes.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rawsocket.conversation.plan import Expectation, Field, Template, Value
from rawsocket.conversation.templates import Maker, Sender, Sources, maker
from rawsocket.wire.payload import shorten

Test = Callable[[bytes], Any]
Find = Callable[[bytes], bytes | None]
#: The frame of a message that raw bytes may follow.
Head = Callable[[bytes], bytes]
_WORDS = {
    "any": "any message",
    "exact": "",
    "prefix": "a message that begins with ",
    "suffix": "a message that ends with ",
    "contains": "a message that contains ",
    "regex": "a message that matches ",
    "size": "a message of ",
}


class Rule:
    """An expectation whose bytes are known: a text, text with gaps, a pattern or a number of bytes."""

    __slots__ = ("_head", "_test", "_value", "kind")

    def __init__(self, kind: str, value: Any, head: Head | None = None) -> None:
        self.kind = kind
        self._value = value
        self._head = head
        self._test = _test(kind, value)

    @property
    def text(self) -> bytes | None:
        """The bytes that a message must be exactly; None if it may be others."""
        exactly = self.kind == "exact" and isinstance(self._value, bytes) and self._head is None
        return self._value if exactly else None

    @property
    def groups(self) -> Iterable[str]:
        """The names of its pattern's groups."""
        return self._value.groupindex if self.kind == "regex" else ()

    def met(self, message: bytes) -> Any:
        """Return whether a message meets it."""
        if self._head is None:
            return self._test(message)
        return self._test(self._head(message)) or self._test(message)

    def group(self, name: str, message: bytes) -> bytes | None:
        """Return what a group of its pattern has found, b"" if that part of it wasn't there; None: no match."""
        found = self._value.search(message)
        return None if found is None else found[name] or b""

    def __str__(self) -> str:
        if self.kind == "size":
            return f"{_WORDS['size']}{self._value} bytes"
        if self.kind == "any":
            return _WORDS["any"]
        value = self._value.pattern if self.kind == "regex" else self._value
        return _WORDS[self.kind] + (shorten(value) if isinstance(value, bytes) else str(value))


#: A rule, or the function that makes it for a user's next message.
Ruler = Rule | Callable[[Sender], Rule]


class Gaps:
    """Texts with bytes between them that may be any; the parts are texts and numbers of bytes."""

    __slots__ = ("_parts", "size")

    def __init__(self, parts: Sequence[bytes | int]) -> None:
        self._parts = parts
        self.size = sum(part if isinstance(part, int) else len(part) for part in parts)

    def at(self, message: bytes, begin: int) -> bool:
        """Return whether they stand in the message at `begin`."""
        if begin < 0 or begin + self.size > len(message):
            return False
        for part in self._parts:
            if isinstance(part, int):
                begin += part
            elif message.startswith(part, begin):
                begin += len(part)
            else:
                return False
        return True

    def __str__(self) -> str:
        return " ".join(" ".join(["??"] * part) if isinstance(part, int) else part.hex(" ") for part in self._parts)


def ruler(expectation: Expectation, sources: Sources, shared: Sequence[Value] = (), head: Head | None = None) -> Ruler:
    """Return the rule of an expectation, or the function that makes it. `shared`: as in templates.maker()."""
    kind = expectation.kind
    if kind == "regex":
        return Rule(kind, re.compile(expectation.pattern), head)
    if kind in ("any", "size"):
        return Rule(kind, expectation.size, head)
    assert expectation.text is not None
    parts = _parts(expectation.text, sources, shared)
    if all(isinstance(part, bytes | int) for part in parts):
        return Rule(kind, _joined(parts), head)
    if len(parts) == 1 and callable(make := parts[0]):
        return lambda sender: Rule(kind, make(sender), head)
    return lambda sender: Rule(kind, _joined([part(sender) if callable(part) else part for part in parts]), head)


def finder(field: Field) -> Find:
    """Return the function that finds a field in a message; it returns None if the message doesn't have it."""
    if not field.pattern:
        at, stop = field.at, field.at + field.size
        return lambda message: message[at:stop] if len(message) >= stop else None
    pattern = re.compile(field.pattern)
    group = 1 if pattern.groups else 0

    def find(message: bytes) -> bytes | None:
        found = pattern.search(message)
        return None if found is None else found[group]

    return find


def _parts(template: Template, sources: Sources, shared: Sequence[Value]) -> list[Maker | int]:
    """Return the parts of a text between its gaps, and how many bytes each gap has."""
    parts: list[Maker | int] = []
    here: list[bytes | Value] = []
    for piece in template.pieces:
        if isinstance(piece, Value) and piece.source == "mark" and piece.name == "?":
            if here:
                parts.append(maker(Template(tuple(here)), sources, shared))
                here = []
            if parts and isinstance(gap := parts[-1], int):
                parts[-1] = gap + 1
            else:
                parts.append(1)
        else:
            here.append(piece)
    if here or not parts:
        parts.append(maker(Template(tuple(here)), sources, shared))
    return parts


def _joined(parts: Sequence[Any]) -> bytes | Gaps:
    return parts[0] if len(parts) == 1 and isinstance(parts[0], bytes) else Gaps(parts)


def _test(kind: str, value: Any) -> Test:
    if kind == "any":
        return lambda message: True
    if kind == "size":
        return lambda message: len(message) == value
    if kind == "regex":
        search: Test = value.search
        return search
    return _gaps_test(kind, value) if isinstance(value, Gaps) else _text_test(kind, value)


def _text_test(kind: str, text: bytes) -> Test:
    tests: dict[str, Test] = {
        "exact": lambda message: message == text,
        "prefix": lambda message: message.startswith(text),
        "suffix": lambda message: message.endswith(text),
        "contains": lambda message: text in message,
    }
    return tests[kind]


def _gaps_test(kind: str, gaps: Gaps) -> Test:
    tests: dict[str, Test] = {
        "exact": lambda message: len(message) == gaps.size and gaps.at(message, 0),
        "prefix": lambda message: gaps.at(message, 0),
        "suffix": lambda message: gaps.at(message, len(message) - gaps.size),
        "contains": lambda message: any(gaps.at(message, at) for at in range(len(message) - gaps.size + 1)),
    }
    return tests[kind]
