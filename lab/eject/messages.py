"""Templates of messages as Python expressions.

A value that a step uses more than once is drawn once: `Messages.shared` makes a local variable of it. A message that
measures itself is put together in several lines.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lab.eject.code import WIDTH, CannotEject, Needs, call, literal, quoted
from rawsocket.conversation.plan import Template, Value

#: A piece of code: its conversion in a format of bytes, and the expression of its value.
Piece = tuple[str, str]
_DRAWN = ("random", "time", "uuid", "n")
_VARIABLES = {"random": "text", "time": "now", "uuid": "key", "n": "number"}
_MEASURED = ("length", "sum", "crc32")
_BINARY = re.compile(r"u([1-8])(le)?")


@dataclass
class Messages:
    """Makes the code of the messages of one step. `where` is its place, for what can't be written."""

    needs: Needs
    where: str
    #: How far {n} is ahead of the last message that was sent: 0 in what a push must be.
    ahead: int = 1
    #: Local variables of values that the step uses more than once.
    variables: dict[Value, str] = field(default_factory=dict)
    _expected: Template | None = None

    def shared(self, templates: Iterable[Template], later: Iterable[Template] = ()) -> list[str]:
        """Return the lines that draw what is used more than once, or `later`: in functions that are called later."""
        later = list(later)
        seen = Counter(value for template in (*templates, *later) for value in _drawn(template))
        needed = {value for template in later for value in _drawn(template)}
        lines = []
        for value in sorted(seen, key=lambda each: (each.name, each.format)):
            if seen[value] > 1 or value in needed:
                name = _VARIABLES[value.name]
                while name in self.variables.values():
                    name += "_2"
                lines.append(f"{name} = {self.whole([self.value(value)])}")
                self.variables[value] = name
        return lines

    def expression(self, template: Template) -> str:
        """Return the expression of a template that doesn't measure itself, or that `expected` was made from."""
        if self._expected is not None and template == self._expected:
            return "expected"
        if measures(template):
            raise CannotEject(
                f"{self.where}: an expectation that measures itself; expected a text without {{length}}, {{sum}} and "
                "{crc32}; write it by hand"
            )
        return self.whole(self._pieces(template.pieces))

    def expected(self, template: Template) -> list[str]:
        """Return the lines that put `expected` together, the only right reply, if it measures itself."""
        if not measures(template):
            return []
        self._expected = template
        return [*self._measured(template), "expected = message"]

    def message(self, template: Template) -> tuple[list[str], str]:
        """Return the lines that come before, and the expression of a message."""
        if not measures(template):
            return [], self.expression(template)
        return self._measured(template), "message"

    def value(self, value: Value) -> Piece:
        """Return the code of a value."""
        if value in self.variables:
            return "%b", self.variables[value]
        if value.source == "column":
            text = f'self.row["{value.name}"]'
            return self._number(f"int({text})", value.format) if value.format else ("%b", f"{text}.encode()")
        if value.source == "capture":
            text = f'self.captured["{value.name}"]'
            return self._number(f"int({text})", value.format) if value.format else ("%b", text)
        return self._built_in(value)

    def _built_in(self, value: Value) -> Piece:
        name, style = value.name, value.format
        if name == "uuid":
            return "%b", f"str({self.needs.module('uuid')}.uuid4()).encode()"
        if name == "time":
            return self._time(style)
        if name == "random":
            return self._random(style)
        numbers = {
            "user": "self.number",
            "n": f"self.message_no{f' + {self.ahead}' if self.ahead else ''}",
            "worker": "self.worker",
        }
        if name == "worker":
            self.needs.helper("worker")
        return self._number(numbers[name], style)

    def _random(self, style: str) -> Piece:
        if binary := _BINARY.fullmatch(style):
            return "%b", f"{self.needs.module('random')}.randbytes({binary[1]})"
        if style.startswith("x"):
            return self._number(f"{self.needs.module('random')}.getrandbits(64)", style)
        return "%b", f"{self.needs.helper('letters')}({style or 16})"

    def _time(self, style: str) -> Piece:
        if "%" in style:
            self.needs.use("datetime", "datetime")
            self.needs.use("UTC", "datetime")
            return "%b", f"datetime.now(UTC).strftime({quoted(style)}).encode()"
        clock = f"{self.needs.module('time')}.time()"
        return ("%d", f"{clock} * 1000") if style == "ms" else self._number(f"int({clock})", style)

    def _number(self, number: str, style: str) -> Piece:
        if binary := _BINARY.fullmatch(style):
            size, order = int(binary[1]), "little" if binary[2] else "big"
            # As the lab does: a counter begins again, and a length that doesn't fit is a mistake.
            masked = f"({number} & 0x{'FF' * size})" if size < 4 and "self." in number else number
            simple = re.fullmatch(r"[\w.]+(\(\w*\))?|\(.*\)", masked)
            return "%b", f'{masked if simple else f"({masked})"}.to_bytes({size}, "{order}")'
        if style == "varint":
            return "%b", f"{self.needs.use('varint', 'rawsocket.conversation.formats')}({number})"
        width = style.strip("x").lstrip("0")
        return f"%{'0' + width if width else ''}{'x' if style.startswith('x') else 'd'}", number

    def _pieces(self, pieces: Iterable[bytes | Value | Piece]) -> list[bytes | Piece]:
        """Return pieces with the code of their values; marks write nothing."""
        return [
            self.value(piece) if isinstance(piece, Value) else piece
            for piece in pieces
            if not (isinstance(piece, Value) and piece.source == "mark")
        ]

    def whole(self, pieces: Sequence[bytes | Piece]) -> str:
        """Return one expression of pieces."""
        codes = [piece for piece in pieces if isinstance(piece, tuple)]
        if not codes:
            return literal(b"".join(piece for piece in pieces if isinstance(piece, bytes)))
        if len(pieces) == 1 and codes[0][0] == "%b":
            return codes[0][1]
        form = _form(pieces)
        values = [code for _, code in codes]
        only = len(values) == 1 and re.fullmatch(r"[\w.]+(\(.*\)|\[.*\])?(\.\w+\(.*\))?", values[0])
        return f"{literal(form)} % {values[0] if only else self._tuple(values)}"

    @staticmethod
    def _tuple(values: list[str]) -> str:
        return f"({', '.join(values)})" if len(values) > 1 else f"({values[0]})"

    # -- messages that measure themselves -----------------------------------------------------------------------

    def _measured(self, template: Template) -> list[str]:
        """Return the lines that put `message` together."""
        marks = [at for at, piece in enumerate(template.pieces) if isinstance(piece, Value) and piece.source == "mark"]
        pieces: list[bytes | Value | Piece] = [piece for at, piece in enumerate(template.pieces) if at not in marks]
        region = (marks[0], marks[1] - 1) if marks else None
        lengths = [at for at, piece in enumerate(pieces) if _is(piece, "length")]
        lines: list[str] = []
        if lengths:
            lines, pieces, region = self._with_length(pieces, lengths, region)
        return lines + self._assembled(pieces, region[1] if region else None)

    def _with_length(
        self, pieces: list[bytes | Value | Piece], lengths: list[int], region: tuple[int, int] | None
    ) -> tuple[list[str], list[bytes | Value | Piece], tuple[int, int] | None]:
        """Return the line of `body`, which the length measures, and the pieces with both in it."""
        at = lengths[0]
        begin, end = region or (at + 1, len(pieces))
        own = 0
        if begin <= at < end:  # it measures itself as well, and what stands between {<} and it
            own = self._widths(pieces[begin : at + 1])
            begin = at + 1
        if len(lengths) > 1:
            raise CannotEject(f"{self.where}: a message with two lengths; expected one; write it by hand")
        body = pieces[begin:end]
        sums = [index for index, piece in enumerate(body) if _is(piece, "sum", "crc32")]
        simple, rest = body[: sums[0]] if sums else body, body[sums[0] :] if sums else []
        extra = own + self._widths(rest)
        length = f"len(body) + {extra}" if extra else "len(body)"
        value = pieces[at]
        assert isinstance(value, Value)
        code = self._number(length, value.format)
        whole = [*pieces[:begin], ("%b", "body"), *rest, *pieces[end:]]
        shift = len(whole) - len(pieces)
        whole[at if at < begin else at + shift] = code
        return self._assigned("body =", simple), whole, (begin, end + shift) if region else None

    def _assigned(self, target: str, parts: Sequence[bytes | Value | Piece]) -> list[str]:
        """Return the lines that assign the whole of some parts."""
        pieces = self._pieces(parts)
        line = f"{target} {self.whole(pieces)}"
        values = [piece[1] for piece in pieces if isinstance(piece, tuple)]
        if len(line) <= WIDTH or len(values) < 2:
            return [line]
        return call("", values, 0, f"{target} {literal(_form(pieces))} % ")

    def _widths(self, pieces: Iterable[bytes | Value | Piece]) -> int:
        return sum(len(piece) if isinstance(piece, bytes) else self._width(piece) for piece in pieces)

    def _width(self, piece: object) -> int:
        """Return how many bytes a value has, if that is known."""
        if isinstance(piece, Value):
            if binary := _BINARY.fullmatch(piece.format):
                return int(binary[1])
            if piece.name == "sum" and piece.format in ("", "03"):
                return 3
            if piece.name == "crc32" and piece.format in ("", "x8"):
                return 8
        raise CannotEject(
            f"{self.where}: a length measures a value whose size is known only when it is sent, beside a checksum or "
            "itself; expected a value of a fixed size; write this message by hand"
        )

    def _assembled(self, pieces: list[bytes | Value | Piece], end: int | None) -> list[str]:
        """Return the lines that append one part after the other; a checksum measures what is there before its line."""
        lines: list[str] = []
        part: list[bytes | Value | Piece] = []

        def flush() -> None:
            if part:
                lines.extend(self._assigned(f"message {'+=' if lines else '='}", part))
                part.clear()

        for at, piece in enumerate(pieces):
            if at == end or ((end is None or at < end) and _is(piece, "sum", "crc32")):
                flush()
            if _is(piece, "sum", "crc32") and not lines:
                lines.append('message = b""')
            part.append(self._checksum(piece) if isinstance(piece, Value) and _is(piece, "sum", "crc32") else piece)
        flush()
        return lines

    def _checksum(self, value: Value) -> Piece:
        if value.name == "sum":
            return self._number("sum(message) % 256", value.format or "03")
        return self._number(f"{self.needs.module('zlib')}.crc32(message)", value.format or "x8")


def measures(template: Template) -> bool:
    """Return whether a message measures itself."""
    return any(value.source == "built-in" and value.name in _MEASURED for value in _values(template))


def _form(pieces: Sequence[bytes | Piece]) -> bytes:
    """Return the format of bytes for pieces."""
    return b"".join(piece[0].encode() if isinstance(piece, tuple) else piece.replace(b"%", b"%%") for piece in pieces)


def _is(piece: object, *names: str) -> bool:
    return isinstance(piece, Value) and piece.source == "built-in" and piece.name in names


def _values(template: Template) -> list[Value]:
    return [piece for piece in template.pieces if isinstance(piece, Value)]


def _drawn(template: Template) -> list[Value]:
    return [value for value in _values(template) if value.source == "built-in" and value.name in _DRAWN]
