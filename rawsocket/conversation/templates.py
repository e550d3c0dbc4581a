"""Makes the bytes of a message from its template. Pure: the clock and the random numbers are given.

Strategy: a template without values is its bytes, once for all. One with values becomes a function that fills a format
of bytes. Only one that measures itself (length, sum, crc32) is put together from its pieces.

Rules:

- A value is drawn once for each message: {random:8} in a message and in what is expected of its reply is the same text.
- {length} counts the bytes after it, or those between {<} and {>}; its own bytes count if it stands between them.
- {sum} and {crc32} are those of all bytes before them, but only up to {>}, if there is one.
- {n} is the number of the message on its connection, from 1. Heartbeats and answers to pushes have numbers as well. In
  what a push must be it is the number of the last message of a step.
"""

import datetime
import string
import uuid
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from random import Random
from typing import Any, Protocol

from rawsocket.conversation.formats import NumberFormat, number_format
from rawsocket.conversation.plan import Template, Value

#: Values that differ each time they are drawn.
DRAWN = ("random", "time", "uuid")
#: Values that depend on the rest of the message.
MEASURED = ("length", "sum", "crc32")
#: Before the name of a capture in the name of its attribute.
CAPTURE = "capture_"
RANDOM_SIZE = 16  # characters of {random}
# 256 bytes to letters and digits.
_CHARACTERS = ((string.ascii_letters + string.digits).encode() * 5)[:256]


class Sender(Protocol):
    """The user that sends a message. It has an attribute for each capture as well."""

    step_no: int  # the number of the last message of a step
    columns: tuple[bytes, ...]  # of its row in the CSV file
    drawn: dict[Value, Any]  # what was drawn for the message that is being made

    @property
    def number(self) -> int:
        """The number of the user."""

    @property
    def message_no(self) -> int:
        """How many messages were sent on its connection."""

    @property
    def worker(self) -> int:
        """The number of its worker."""


Getter = Callable[[Sender], Any]
#: Bytes that are always the same, or a function that makes them for a user.
Maker = bytes | Callable[[Sender], bytes]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where values come from: `time` in seconds since 1970, random numbers, the names of the CSV file's columns.

    `sent`: whether {n} is the number of the last message of a step, not of the message that is made.
    """

    time: Callable[[], float]
    random: Random
    columns: tuple[str, ...] = ()
    sent: bool = False


def drawn(templates: Iterable[Template]) -> list[Value]:
    """Return the values that must be drawn only once, because these templates of one message share them."""
    seen: list[Value] = []
    for template in templates:
        seen += [piece for piece in template.pieces if isinstance(piece, Value) and piece.name in DRAWN]
    return sorted({value for value in seen if seen.count(value) > 1}, key=lambda value: (value.name, value.format))


def draw(values: Sequence[Value], sources: Sources) -> Callable[[Sender], None]:
    """Return the function that draws these values for the next message."""
    getters = [(value, getter(value, sources)) for value in values]

    def draw_all(sender: Sender) -> None:
        sender.drawn = {value: get(sender) for value, (_, get) in getters}

    return draw_all


def maker(template: Template, sources: Sources, shared: Sequence[Value] = ()) -> Maker:
    """Return the bytes of a template, or the function that makes them. `shared`: values that are drawn already."""
    pieces = template.pieces
    if not any(isinstance(piece, Value) for piece in pieces):
        return b"".join(piece for piece in pieces if isinstance(piece, bytes))
    if any(isinstance(piece, Value) and piece.name in MEASURED for piece in pieces):
        return Measured(pieces, sources, shared).make
    return _formatted(pieces, sources, shared)


def getter(value: Value, sources: Sources) -> tuple[bytes, Getter]:
    """Return the conversion of a value in a format of bytes, and the function that gets it."""
    if value.source == "built-in":
        return _built_in(value, sources)
    if value.source == "column":
        text: Getter = _column(sources.columns.index(value.name))
    else:
        text = attrgetter(CAPTURE + value.name)
    return _number(value, lambda sender: int(text(sender))) if value.format else (b"%b", text)


def _formatted(pieces: Sequence[bytes | Value], sources: Sources, shared: Sequence[Value]) -> Maker:
    """Return the function that fills a format of bytes."""
    form, getters = b"", []
    for piece in pieces:
        if isinstance(piece, bytes):
            form += piece.replace(b"%", b"%%")
        elif piece.source != "mark":
            conversion, get = _shared(piece, sources) if piece in shared else getter(piece, sources)
            form += conversion
            getters.append(get)
    return _filled(form, getters)


def _filled(form: bytes, getters: list[Getter]) -> Maker:
    if not getters:
        return form.replace(b"%%", b"%")
    if len(getters) == 1:
        get = getters[0]
        return lambda sender: form % (get(sender),)
    if len(getters) == 2:
        first, second = getters
        return lambda sender: form % (first(sender), second(sender))
    return lambda sender: form % tuple([get(sender) for get in getters])


def _shared(value: Value, sources: Sources) -> tuple[bytes, Getter]:
    conversion, _ = getter(value, sources)
    return conversion, lambda sender: sender.drawn[value]


def _built_in(value: Value, sources: Sources) -> tuple[bytes, Getter]:
    name, random = value.name, sources.random
    if name == "random" and not value.format.startswith(("u", "x")):
        size = int(value.format or RANDOM_SIZE)
        return b"%b", lambda sender: random.randbytes(size).translate(_CHARACTERS)
    if name == "uuid":
        return b"%b", lambda sender: str(uuid.UUID(int=random.getrandbits(128), version=4)).encode()
    if name == "time":
        return _time(value, sources)
    numbers: dict[str, Getter] = {
        "user": attrgetter("number"),
        "worker": attrgetter("worker"),
        "n": attrgetter("step_no") if sources.sent else lambda sender: sender.message_no + 1,
        "random": lambda sender: random.getrandbits(64),
    }
    return _number(value, numbers[name])


def _time(value: Value, sources: Sources) -> tuple[bytes, Getter]:
    now = sources.time
    if "%" in value.format:
        return b"%b", _Clock(now, value.format).text
    if value.format == "ms":
        return b"%d", lambda sender: int(now() * 1000)
    return _number(value, lambda sender: int(now()))


class _Clock:
    """The time as a text in UTC. It is kept for its second, unless it has parts of a second."""

    __slots__ = ("_form", "_kept", "_now", "_second")

    def __init__(self, now: Callable[[], float], form: str) -> None:
        self._now = now
        self._form = form
        self._second = -1
        self._kept = b""

    def text(self, sender: Sender) -> bytes:
        """Return the time now."""
        now = self._now()
        second = int(now)
        if second != self._second:
            self._kept = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime(self._form).encode()
            self._second = -1 if "%f" in self._form else second
        return self._kept


def _column(at: int) -> Getter:
    return lambda sender: sender.columns[at]


def _number(value: Value, get: Getter) -> tuple[bytes, Getter]:
    """Return conversion and getter of a number."""
    form = number_format(value.format)
    convert = form.convert
    if convert is None:
        return form.conversion, get
    return form.conversion, lambda sender: convert(get(sender))


class Measured:
    """A message that has the length, the sum or the CRC-32 of other parts of it."""

    __slots__ = ("_begin", "_end", "_lengths", "_parts", "_sums")

    def __init__(self, pieces: Sequence[bytes | Value], sources: Sources, shared: Sequence[Value]) -> None:
        self._parts: list[Maker] = []
        self._lengths: list[tuple[int, NumberFormat]] = []
        self._sums: list[tuple[int, NumberFormat, Callable[[bytes], int]]] = []
        self._begin: int | None = None  # the part that {<} stands before
        self._end: int | None = None
        for piece in pieces:
            if isinstance(piece, Value) and piece.source == "mark":
                self._mark(piece.name)
            elif isinstance(piece, Value) and piece.name in MEASURED:
                self._parts.append(self._measure(piece))
            else:
                self._parts.append(piece if isinstance(piece, bytes) else _formatted([piece], sources, shared))

    def make(self, sender: Sender) -> bytes:
        """Return the bytes of the message."""
        parts = [part if isinstance(part, bytes) else part(sender) for part in self._parts]
        for at, form in reversed(self._lengths):
            counted = parts[at + 1 if self._begin is None else self._begin : self._end]
            parts[at] = form.write_all(sum(map(len, counted)))
        for at, form, measure in self._sums:
            parts[at] = form.write(measure(b"".join(parts[: at if self._end is None else min(at, self._end)])))
        return b"".join(parts)

    def _mark(self, name: str) -> None:
        if name == "<":
            self._begin = len(self._parts)
        else:
            self._end = len(self._parts)

    def _measure(self, value: Value) -> bytes:
        """Note where a measure stands; return what stands there until it is known."""
        at = len(self._parts)
        if value.name == "length":
            form = number_format(value.format)
            self._lengths.append((at, form))
            return form.write(0)
        is_sum = value.name == "sum"
        form = number_format(value.format or ("03" if is_sum else "x8"))
        self._sums.append((at, form, _sum if is_sum else zlib.crc32))
        return form.write(0)


def _sum(data: bytes) -> int:
    return sum(data) % 256
