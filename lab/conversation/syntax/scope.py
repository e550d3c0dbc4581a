"""The values that a message can use, and where they come from: built in, a column of the data, a capture."""

import re
from collections.abc import Collection, Iterable
from typing import Protocol

from lab.conversation.syntax.source import Mistake, Place
from rawsocket.conversation.plan import BUILT_IN, Value
from rawsocket.settings.suggestion import suggestion

_BINARY = r"u[1-8](?:le)?"
_NUMBER = rf"{_BINARY}|0?[1-9]\d?|x(?:[1-9]\d?)?|varint"
#: The formats that each built-in value has, as a pattern and in words.
_NUMBERS = f"(?:{_NUMBER})?", "u1 to u8 (bytes; u2le: the lowest first), varint, 05 (digits), x or x8 (hex)"
_FORMATS = {
    **dict.fromkeys(("user", "n", "worker", "length", "sum", "crc32"), _NUMBERS),
    "random": (rf"(?:[1-9]\d{{0,5}}|{_BINARY}|x\d*)?", "the number of characters, as in {random:16}, or u4 or x"),
    "time": (
        rf"(?:ms|{_NUMBER}|(?=.*%)(?:[^%]|%[aAbBcdfHIjmMpSUwWxXyYzZ%])+)?",
        "nothing (seconds), ms, or a form such as %Y%m%d-%H:%M:%S",
    ),
    "uuid": ("", "nothing"),
}  # fmt: skip
_COLUMN = f"(?:{_NUMBER})?", _NUMBERS[1]


class Named(Protocol):
    """A value in braces."""

    @property
    def place(self) -> Place:
        """Where it stands."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def format(self) -> str:
        """What stands behind its colon."""


class Scope:
    """What is known where a message stands: the columns of the data, and the captures of the steps before it."""

    def __init__(self, columns: Collection[str] = (), captures: Iterable[str] = ()) -> None:
        self.columns = columns
        self.captures = set(captures)

    def with_captures(self, names: Iterable[str]) -> "Scope":
        """Return a scope that knows these captures as well."""
        return Scope(self.columns, self.captures | set(names))

    def value(self, named: Named) -> Value:
        """Return the value that a name means. Raises Mistake."""
        name, style = named.name, named.format
        if name in "<>":
            _demand(not style, named, "nothing")
            return Value("mark", name)
        if name in BUILT_IN:
            if name in self.columns:
                raise Mistake(
                    named.place, f"{{{name}}} is a column of the data and a built-in value", "a name has one meaning",
                    "rename the column",
                )  # fmt: skip
            pattern, words = _FORMATS[name]
            _demand(bool(re.fullmatch(pattern, style)), named, words)
            return Value("built-in", name, style)
        if name in self.columns:
            _demand(bool(re.fullmatch(_COLUMN[0], style)), named, _COLUMN[1])
            return Value("column", name, style)
        if name in self.captures:
            _demand(bool(re.fullmatch(_COLUMN[0], style)), named, _COLUMN[1])
            return Value("capture", name, style)
        raise self._unknown(named)

    def _unknown(self, named: Named) -> Mistake:
        known = [*BUILT_IN, *self.columns, *sorted(self.captures)]
        hint = suggestion(named.name, known).removeprefix("; ")
        return Mistake(
            named.place, f"there is no value {{{named.name}}} here",
            f"built in are {', '.join(BUILT_IN)}; columns of `data` and captures of earlier replies come with them",
            hint or "write {{ and }} for braces themselves",
        )  # fmt: skip


def _demand(right: bool, named: Named, words: str) -> None:
    if not right:
        shown = f"{named.name}:{named.format}" if named.format else named.name
        raise Mistake(named.place, f"{{{shown}}} has no such format", f"expected {words}", "correct what follows the :")
