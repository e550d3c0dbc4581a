"""The YAML of a conversation as nodes that know their place, and a `Mistake` at a place.

PyYAML finds the nodes; what a scalar means is decided by who reads it, never by YAML: `no` and `0123` stay the text
that was written. `Scalar.converted` says what YAML would have made of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from lab.errors import UsageError
from rawsocket.settings.suggestion import suggestion

#: What YAML would make of a scalar without quotes, by the last part of its tag.
_CONVERTED = {"null": "nothing", "bool": "yes or no", "int": "a number", "float": "a number", "timestamp": "a date"}
_PLAIN = {"=": "a value of its own", "<<": "a merge"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file: where it is, and its path as the user knows it."""

    path: Path
    shown: str


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file; line and column count from 1."""

    source: Source
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source.shown}:{self.line}:{self.column}"

    def after(self, columns: int) -> "Place":
        """Return the place so many columns further right."""
        return Place(self.source, self.line, self.column + columns)


class Mistake(UsageError):
    """A mistake in a file, one line: the place, what is wrong, what was expected, what to do."""

    prefixed = False

    def __init__(self, place: Place, wrong: str, expected: str, remedy: str) -> None:
        super().__init__(" ".join(f"{place}: {wrong}; {expected}; {remedy}".split()))
        self.place = place


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text or number as it was written.

    `text`: with YAML's escapes resolved. `raw`: what stands between double quotes, else the same as `text`. `style`:
    the quote or `|` or `>`, "" for none. `converted`: what YAML would make of it, "" if it stays a text.
    """

    place: Place
    text: str
    raw: str
    style: str
    converted: str

    kind = "a text"

    @property
    def begin(self) -> Place:
        """The place of the first character of `raw`."""
        return self.place.after(1) if self.style in ('"', "'") else self.place


class Map(dict[str, "Node"]):
    """A map; `keys_at` has the place of each key."""

    kind = "a map"

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.keys_at: dict[str, Place] = {}


class Sequence(list["Node"]):
    """A list."""

    kind = "a list"

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


Node = Scalar | Map | Sequence


def read(source: Source) -> Node:
    """Return the root of the file. Raises Mistake if it is no YAML, UsageError if it can't be read."""
    try:
        text = source.path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(
            f"{source.shown}: {error.strerror}; expected the file of a conversation; correct the path"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Mistake(
            Place(source, line, 1), "this line is not UTF-8", "expected text", r"write other bytes as \xNN"
        ) from None
    return read_text(source, text)


def read_text(source: Source, text: str) -> Node:
    """Return the root of a text. Raises Mistake if it is no YAML."""
    start = Place(source, 1, 1)
    try:
        root = _Loader(text).get_single_node()
        return _node(source, text, root) if root else _nothing(start)
    except RecursionError:
        raise Mistake(start, "maps or lists within each other are too deep", "expected a few", "flatten them") from None
    except yaml.MarkedYAMLError as error:
        raise _no_yaml(source, error) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = Place(source, before.count("\n") + 1, error.position - before.rfind("\n"))
        raise Mistake(
            place, f"the character U+{ord(text[error.position]):04X}", "YAML has no such character", r"write it as \xNN"
        ) from None
    except _Unwanted as error:
        raise Mistake(
            _place(source, error.mark),
            error.what,
            "expected plain values: no anchors, aliases or tags",
            "write the value itself",
        ) from None


def unknown(name: str, names: Iterator[str] | list[str]) -> str:
    """Return "unknown key ..." with a suggestion if a name is close."""
    return f"unknown key `{name}`{suggestion(name, names)}"


def _nothing(start: Place) -> NoReturn:
    raise Mistake(start, "the file is empty", "expected the keys of a conversation", "begin with `steps:`")


class _Unwanted(Exception):
    """An anchor, an alias or a tag."""

    def __init__(self, mark: Any, what: str) -> None:
        self.mark = mark
        self.what = what


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses what refers to other nodes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _Unwanted(event.start_mark, f"`*{event.anchor}` refers to another part of the file")
        if event.anchor is not None:
            raise _Unwanted(event.start_mark, f"`&{event.anchor}` names a part of the file")
        if event.tag is not None:
            raise _Unwanted(event.start_mark, f"`{event.tag.replace('tag:yaml.org,2002:', '!!')}` is a tag")
        return super().compose_node(parent, index)


def _place(source: Source, mark: Any) -> Place:
    return Place(source, mark.line + 1, mark.column + 1)


def _node(source: Source, text: str, node: yaml.Node) -> Node:
    place = _place(source, node.start_mark)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(place, text, node)
    if isinstance(node, yaml.SequenceNode):
        found = Sequence(place)
        found += (_node(source, text, each) for each in node.value)
        return found
    entries = Map(place)
    for key, value in node.value:
        _add(entries, _node(source, text, key), _node(source, text, value))
    return entries


def _add(entries: Map, key: Node, value: Node) -> None:
    if not isinstance(key, Scalar):
        raise Mistake(
            key.place, f"{key.kind} as a key", "a key is a word", "put a text that begins with { or [ into quotes"
        )
    if key.text in entries:
        first = entries.keys_at[key.text].line
        raise Mistake(
            key.place, f"the key `{key.text}` stands here and in line {first}", "each stands once", "keep one"
        )
    entries[key.text] = value
    entries.keys_at[key.text] = key.place


def _scalar(place: Place, text: str, node: yaml.ScalarNode) -> Scalar:
    style = node.style or ""
    raw = text[node.start_mark.index + 1 : node.end_mark.index - 1] if style == '"' else node.value
    converted = "" if style else _CONVERTED.get(node.tag.rpartition(":")[2], _PLAIN.get(node.value, ""))
    return Scalar(place, node.value, raw, style, converted)


def _no_yaml(source: Source, error: yaml.MarkedYAMLError) -> Mistake:
    """Return the mistake for what PyYAML says."""
    mark = error.problem_mark or error.context_mark
    place = Place(source, 1, 1) if mark is None else _place(source, mark)
    problem = error.problem or error.context or "this is no YAML"
    if "unknown escape character" in problem:
        wrong = problem.removeprefix("found ")
        return Mistake(
            place, wrong, "YAML has no such escape between double quotes", "use single quotes, or write \\\\"
        )
    if "expected a single document" in f"{error.context} {problem}":
        return Mistake(place, "a second document begins here", "a file has one conversation", "remove the ---")
    return Mistake(place, f"this is no YAML: {problem}", _expected(problem), "correct the line or the one before it")


def _expected(problem: str) -> str:
    if "found character '\\t'" in problem:
        return "YAML has no tabs in front of a key: expected spaces"
    if "mapping values are not allowed" in problem:
        return "expected one `key: value` a line, and quotes around a text with a colon in it"
    return "expected `key: value`, a list with `- `, or a text in quotes"
