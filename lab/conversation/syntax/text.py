r"""Text of a message: escapes, bytes in hex, the content of a file, and values in braces.

A text is read once, from what was written: `\xNN` is one byte in every quoting style, also between double quotes, where
YAML would make a character of it. `{name}` and `{name:format}` are values, `{{` and `}}` are braces.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lab.conversation.syntax.scope import Scope
from lab.conversation.syntax.source import Map, Mistake, Node, Place, Scalar
from lab.conversation.syntax.values import Leaf, Name, not_converted, written
from rawsocket.conversation.plan import Template, Value

_ESCAPE = r"\\(?P<escape>x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.|\Z)"
_TOKEN = re.compile(
    _ESCAPE + r"|(?P<doubled>\{\{|\}\})|\{(?P<value>[^{}]*)\}|(?P<brace>[{}])",
    re.S,
)
_PART = re.compile(_ESCAPE + r"|[^\\]+", re.S)
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\", '"': '"', "e": "\x1b"}
#: YAML's others, which it accepts between double quotes.
_ESCAPES |= {"a": "\a", "b": "\b", "v": "\v", "f": "\f", "/": "/", " ": " ", "\t": "\t"}
_ESCAPES |= {"N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"}
_KNOWN = r"\xNN, \r, \n, \t, \0, \e, \" and \uXXXX"
# Within double quotes, the end of a line is a blank, empty lines are line ends, and a backslash joins two lines.
_FOLD = re.compile(r"(?P<joined>\\\r?\n[ \t]*)|(?P<escape>\\.)|(?P<ends>[ \t]*\r?\n(?:[ \t]*\r?\n)*[ \t]*)", re.S)
_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]*(?![A-Za-z0-9_-])")
_HEX = re.compile(r"[0-9a-fA-F]{2}|\?\?")
EXPECTED = "a text, {hex: ...} or {file: ...}"


@dataclass(frozen=True, slots=True)
class Unnamed:
    """A value in braces that was not looked up yet."""

    place: Place
    name: str
    format: str


Piece = bytes | Unnamed | Value
Pieces = tuple[Piece, ...]
ANY_BYTE = Value("mark", "?")


class Text(Leaf):
    """Bytes of a message with values in between."""

    __slots__ = ()

    value: Pieces
    #: Whether `??` is any byte, in hex.
    wildcards: ClassVar[bool] = False
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {"hex": {"type": "string"}},
                "required": ["hex"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"file": {"type": "string"}},
                "required": ["file"],
                "additionalProperties": False,
            },
        ],
        "description": "text with escapes such as \\r\\n and \\xNN, and values such as {user}; or bytes: {hex: 01 ff}; "
        "or the content of a file: {file: name}",
    }

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the text of a node. Raises Mistake."""
        if isinstance(node, Map) and len(node) == 1:
            if "hex" in node:
                return cls(node, tuple(_merged(_hex_pieces(node["hex"], cls.wildcards))))
            if "file" in node:
                return cls(node, (_content(node["file"]),))
        if isinstance(node, Map):
            raise Mistake(
                node.place, "a map that is no text", f"expected {EXPECTED}", 'quotes make a text of it: "{user}"'
            )
        return cls(node, tuple(_merged(_pieces(not_converted(written(node, EXPECTED))))))

    def template(self, scope: Scope) -> Template:
        """Return it with its values looked up. Raises Mistake."""
        template = Template(tuple(scope.value(each) if isinstance(each, Unnamed) else each for each in self.value))
        _check_marks(self.place, template)
        return template

    @property
    def first_word(self) -> str:
        """The word that it begins with, "" for none: letters, digits, - and _, in front of a blank or the end."""
        first = self.value[0] if self.value and isinstance(self.value[0], bytes) else b""
        match = _WORD.match(first)
        whole = match is not None and (match.end() < len(first) or len(self.value) == 1)
        return match[0].decode() if match and whole else ""

    def constant(self) -> bytes:
        """Return its bytes, where no values can be used. Raises Mistake."""
        for piece in self.value:
            if isinstance(piece, Unnamed):
                raise Mistake(
                    piece.place, f"the value {{{piece.name}}}", "no values can be used here", "write {{ for a brace"
                )
        return b"".join(piece for piece in self.value if isinstance(piece, bytes))


class Pattern(Leaf):
    """A regular expression in bytes. Only YAML's own escapes are resolved: the rest is for the expression."""

    __slots__ = ()

    value: bytes
    schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "regex", "minLength": 1}

    @classmethod
    def read(cls, node: Node) -> Self:
        """Return the expression of a node. Raises Mistake."""
        scalar = not_converted(written(node, "a regular expression"))
        pattern = _unescaped(scalar) if scalar.style == '"' else scalar.text.encode()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # `[[` may mean something else in a later Python
                re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise Mistake(
                node.place, f"this is no regular expression: {error}", "expected one as in Python's re", "correct it"
            ) from None
        return cls(node, pattern)

    @property
    def groups(self) -> list[str]:
        """The names of its groups."""
        return list(re.compile(self.value).groupindex)


def _hex_pieces(node: Node, wildcards: bool) -> Iterator[Piece]:
    """Yield the bytes that are written in hex, and the values between them. Raises Mistake."""
    scalar = not_converted(written(node, 'bytes in hex, such as "00 0a ff"'))
    source = scalar.text if scalar.style else scalar.raw
    at = 0
    for match in _TOKEN.finditer(source):
        if match["value"] is None:
            continue
        yield from _hex(scalar, source[at : match.start()], at, wildcards)
        yield _unnamed(scalar, match)
        at = match.end()
    yield from _hex(scalar, source[at:], at, wildcards)


def _hex(scalar: Scalar, digits: str, at: int, wildcards: bool) -> Iterator[Piece]:
    for word in re.finditer(r"\S+", digits):
        if len(word[0]) % 2 or _HEX.sub("", word[0]):
            raise Mistake(
                scalar.begin.after(at + word.start()), f"`{word[0]}` is not in hex",
                "expected two digits for each byte, 0 to 9 and a to f", "correct it",
            )  # fmt: skip
        for byte in _HEX.findall(word[0]):
            if byte == "??" and not wildcards:
                raise Mistake(
                    scalar.begin.after(at + word.start()), "`??` stands for any byte",
                    "only an expectation can have it", "write the byte",
                )  # fmt: skip
            yield ANY_BYTE if byte == "??" else bytes.fromhex(byte)


def _content(node: Node) -> bytes:
    name = Name.read(node)
    path = node.place.source.path.parent / name.value
    try:
        return path.read_bytes()
    except OSError as error:
        raise Mistake(
            node.place, f"the file {name.value} can't be read: {error.strerror}",
            "expected a path that begins in the folder of the conversation", "correct it",
        ) from None  # fmt: skip


def _pieces(scalar: Scalar) -> Iterator[bytes | Unnamed]:
    source = _folded(scalar.raw) if scalar.style == '"' else scalar.text
    at = 0
    for match in _TOKEN.finditer(source):
        yield source[at : match.start()].encode()
        at = match.end()
        if match["escape"] is not None:
            yield _escaped(scalar, match)
        elif match["doubled"]:
            yield match["doubled"][:1].encode()
        elif match["value"] is not None:
            yield _unnamed(scalar, match)
        else:
            raise Mistake(
                _at(scalar, match), f"a single `{match['brace']}`", "a value stands in braces, such as {user}",
                f"write {match['brace'] * 2} for the character itself",
            )  # fmt: skip
    yield source[at:].encode()


def _unnamed(scalar: Scalar, match: re.Match[str]) -> Unnamed:
    name, _, style = match["value"].partition(":")
    if not re.fullmatch(r"[A-Za-z_][\w-]*|[<>]", name):
        raise Mistake(
            _at(scalar, match), f"`{match[0]}` is no value", "a value is a name in braces, such as {user}",
            "write {{ and }} for braces themselves",
        )  # fmt: skip
    return Unnamed(_at(scalar, match), name, style)


def _escaped(scalar: Scalar, match: re.Match[str]) -> bytes:
    escape = match["escape"]
    if escape in _ESCAPES:
        return _ESCAPES[escape].encode()
    if len(escape) == 3:
        return bytes.fromhex(escape[1:])
    try:
        if len(escape) > 3:
            return chr(int(escape[1:], 16)).encode()
    except (ValueError, OverflowError):  # half of a pair, or beyond the last character
        pass
    raise Mistake(_at(scalar, match), f"`{match[0]}` is no escape", f"expected {_KNOWN}", r"write \\ for a backslash")


def _unescaped(scalar: Scalar) -> bytes:
    """Return the bytes of a text between double quotes, in which braces have no meaning."""
    return b"".join(
        match[0].encode() if match["escape"] is None else _escaped(scalar, match)
        for match in _PART.finditer(_folded(scalar.raw))
    )


def _at(scalar: Scalar, match: re.Match[str]) -> Place:
    """Return the place of a match; that of the whole text if it has several lines."""
    several = "\n" in scalar.raw or scalar.style in ("|", ">")
    # Two single quotes stand for one.
    more = scalar.text[: match.start()].count("'") if scalar.style == "'" else 0
    return scalar.place if several else scalar.begin.after(match.start() + more)


def _folded(raw: str) -> str:
    def ends(match: re.Match[str]) -> str:
        if match["escape"] is not None:
            return match[0]
        return "" if match["joined"] else "\n" * (match[0].count("\n") - 1) or " "

    return _FOLD.sub(ends, raw)


def _merged(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yield the pieces, bytes that follow each other as one."""
    gathered = b""
    for piece in pieces:
        if isinstance(piece, bytes):
            gathered += piece
            continue
        if gathered:
            yield gathered
        gathered = b""
        yield piece
    if gathered:
        yield gathered


def _check_marks(place: Place, template: Template) -> None:
    """Demand that `{<}` and `{>}` stand once each, in this order, in a message with a length."""
    values = [piece for piece in template.pieces if isinstance(piece, Value)]
    marks = [piece.name for piece in values if piece.source == "mark" and piece != ANY_BYTE]
    if not marks:
        return
    if marks != ["<", ">"]:
        raise Mistake(
            place, f"the marks {' '.join(f'{{{mark}}}' for mark in marks)}", "expected {<} and then {>}, each once",
            "put them around what {length} measures",
        )  # fmt: skip
    if not any(piece.name == "length" and piece.source == "built-in" for piece in values):
        raise Mistake(
            place, "{<} and {>} without {length}", "they mark what it measures", "add {length}, or remove them"
        )
