r"""Proposes a value of the conversation for what varies: {user}, {n}, {random:N}, {time}, {uuid} or a capture. Pure.

Rules, the first that fits:

- What an earlier reply of the same connection has brought is a capture.
- What is the same at several places, or on all of a connection, is {user}: it has to stay the same there.
- A number is {time} if it is the time of the recording, else {n}; a UUID is {uuid}; all else is {random:N}.

Where a length was written in the message, values keep the number of bytes that they had.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from lab.recording.messages.secrets import MARK
from lab.recording.script.differences import Hole, Key

DAY_S = 86_400  # a time without a zone may be that of another one
CALENDAR = {"%Y%m%d%H%M%S": 14, "%Y%m%d%H%M": 12}
WIDE = 5  # digits of a number that messages are counted with, where it has to keep its width
USER_WIDTH, NUMBER_WIDTH = 6, 8  # digits where any width is right, as long as it stays the same
_WIDTH = re.compile(r"\{(?:user|n):0(\d+)\}|\{random:(\d+)\}|\{(?:n|random):u(\d)\}")
_WIDTHS = {"{uuid}": 36, "{time}": 10, "{time:ms}": 13}
_UUID = re.compile(rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
LEAST_CAPTURED = 3  # bytes; shorter values are in most replies by chance
CONTEXT = 12  # bytes before a captured value that find it again


def _seconds(digits: int, unit: int) -> Callable[[str], float | None]:
    return lambda text: int(text) / unit if len(text) == digits else None


def _calendar(style: str, digits: int) -> Callable[[str], float | None]:
    def read(text: str) -> float | None:
        try:
            return datetime.strptime(text, style).replace(tzinfo=UTC).timestamp() if len(text) == digits else None
        except ValueError:
            return None

    return read


TIMES = {
    "{time}": _seconds(10, 1),
    "{time:ms}": _seconds(13, 1000),
    **{f"{{time:{style}}}": _calendar(style, digits) for style, digits in CALENDAR.items()},
}


@dataclass(frozen=True)
class Reply:
    """A frame of an earlier reply: of which step, and what it was on each connection and round."""

    step: int
    frames: dict[Key, bytes]


@dataclass
class Capture:
    """A value that a reply brings: `pattern` finds it in the reply of a step."""

    name: str
    step: int
    pattern: bytes


@dataclass
class Variables:
    """The values of one conversation. `begun`: UTC seconds of each connection; `replies`: those before the message."""

    begun: Sequence[float]
    shared: set[frozenset[tuple[object, bytes]]] = field(default_factory=set)
    captures: list[Capture] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    pinned: dict[frozenset[tuple[object, bytes]], int] = field(default_factory=dict)
    used: dict[frozenset[tuple[object, bytes]], str] = field(default_factory=dict)

    def share(self, holes: Sequence[Hole]) -> None:
        """Learn which values stand at several places."""
        seen: set[frozenset[tuple[object, bytes]]] = set()
        for mark in map(identity, holes):
            (self.shared if mark in seen else seen).add(mark)

    def pin(self, hole: Hole, width: int) -> None:
        """Note that a value must always have the same number of bytes: `width`, or any if that is 0."""
        mark = identity(hole)
        self.pinned[mark] = self.pinned.get(mark) or width

    def proposed(self, hole: Hole, binary: bool) -> str:
        """Return the value to be written for a part that varies."""
        mark = identity(hole)
        if mark not in self.used:
            self.used[mark] = self._captured(hole) or self._made(hole, binary)
        return self.used[mark]

    def again(self, hole: Hole) -> str | None:
        """Return the value for a part of a reply that a message had as well, where it is the same at each use."""
        found = self.used.get(identity(hole), "")
        return found if found.startswith("{user") else None

    def _made(self, hole: Hole, binary: bool) -> str:
        values = list(hole.values.values())
        if binary:
            return self._bytes(hole, len(hole.first))
        if all(map(_UUID.fullmatch, values)):
            return "{uuid}"
        digits = all(value.isdigit() for value in values)
        if digits and (time := self._time(hole)):
            return time
        pinned = self.pinned.get(identity(hole))
        zeros = len(hole.first) if digits and hole.first.startswith(b"0") and len(hole.first) > 1 else None
        width = zeros if pinned is None else pinned
        if identity(hole) in self.shared or (hole.of_connection and len(hole.of_connection) > 1):
            return _padded("user", width, USER_WIDTH)
        if digits and (not pinned or pinned >= WIDE):
            return _padded("n", width, NUMBER_WIDTH)
        return f"{{random:{pinned or max(map(len, values))}}}"

    def _bytes(self, hole: Hole, width: int) -> str:
        """Return the value for bytes of binary data, which keep their number."""
        if hole.width is None:
            return "{n}" if all(value.isdigit() for value in hole.values.values()) else f"{{random:{width or 1}}}"
        number = width in (2, 4, 8) and any(b"\0" in value for value in hole.values.values())
        if number and _counts(hole):
            return f"{{n:u{width}}}"
        printable = all(value.isalnum() for value in hole.values.values())
        return f"{{random:u{width}}}" if width in (1, 2, 4, 8) and not printable else f"{{random:{width}}}"

    def _time(self, hole: Hole) -> str:
        for style, read in TIMES.items():
            times = [(read(value.decode()), self.begun[connection]) for (connection, _), value in hole.values.items()]
            if all(time is not None and abs(time - begun) < DAY_S for time, begun in times):
                return style
        return ""

    def now(self, digits: bytes) -> str:
        """Return the value for digits that are the time of the recording; "" if they are not."""
        for style, read in TIMES.items():
            time = read(digits.decode())
            if time is not None and any(abs(time - begun) < DAY_S for begun in self.begun):
                return style
        return ""

    def _captured(self, hole: Hole) -> str:
        if any(len(value) < LEAST_CAPTURED for value in hole.values.values()):
            return ""
        for reply in reversed(self.replies):
            found = {key: _frame(reply, key) for key in hole.values}
            if all(frame and hole.values[key] in frame for key, frame in found.items()):
                frame = found[next(iter(hole.values))]
                assert frame is not None
                return self._capture(reply.step, frame, hole.first)
        return ""

    def _capture(self, step: int, frame: bytes, value: bytes) -> str:
        at = frame.index(value)
        before = frame[:at].rpartition(b"\n")[2].rpartition(MARK)[2][-CONTEXT:]
        after = frame[at + len(value) : at + len(value) + 1]
        inside = rb"[^%s]+" % escaped(after) if after and after not in value else rb".{%d}" % len(value)
        if not after and value.isdigit() and not before[-1:].isdigit():
            inside = rb"\d+"  # a counter gets more digits
        name = f"value{len(self.captures) + 1}" if self.captures else "value"
        if words := re.findall(rb"[A-Za-z_]{2,}", before):
            name = words[-1].decode().lower()
        while name in {each.name for each in self.captures} or name in _TAKEN:
            name += "_"
        self.captures.append(Capture(name, step, escaped(before) + b"(" + inside + b")"))
        return f"{{{name}}}"


def escaped(text: bytes) -> bytes:
    """Return an expression for a text; only what means something in one is escaped."""
    return re.sub(rb"([.^$*+?{}\[\]\\|()])", rb"\\\1", text)


_TAKEN = ("user", "n", "worker", "random", "time", "uuid", "length", "crc32", "sum", "password")


def _padded(name: str, width: int | None, usual: int) -> str:
    """Return a number. `width`: None for as many digits as it has, 0 for the usual number of them."""
    return f"{{{name}}}" if width is None else f"{{{name}:0{width or usual}}}"


def size_of(piece: bytes | str) -> int | None:
    """Return the number of bytes of a text or a value; None if that is not known."""
    if isinstance(piece, bytes):
        return len(piece)
    if piece.startswith("{time:%"):
        return CALENDAR.get(piece[len("{time:") : -1])
    found = _WIDTH.fullmatch(piece)
    return int(found[1] or found[2] or found[3]) if found else _WIDTHS.get(piece)


def identity(hole: Hole) -> frozenset[tuple[object, bytes]]:
    """Return what two parts have in common that always had the same value."""
    of_connection = hole.of_connection
    if of_connection is not None:
        return frozenset(of_connection.items())
    return frozenset(hole.values.items())


def _frame(reply: Reply, key: Key) -> bytes | None:
    """Return what a reply was before a message: in its round, or at the begin of the connection."""
    return reply.frames.get(key) or reply.frames.get((key[0], -1))


def _counts(hole: Hole) -> bool:
    """Whether a binary number grows with each round."""
    of: dict[int, list[int]] = {}
    for (connection, _), value in hole.values.items():
        of.setdefault(connection, []).append(int.from_bytes(value, "big"))
    return all(a < b for numbers in of.values() for a, b in pairwise(numbers))
