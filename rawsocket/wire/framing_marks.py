r"""Framings whose messages end where certain bytes are: an end mark, a pair of marks, a pattern. Pure.

Strategy: a search resumes where the last one ended, minus the bytes that may be the start of a mark or a match.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass

from rawsocket.errors import RawSocketError, TooLong, Wrong
from rawsocket.wire.framing_base import MAX_SIZE, BufferedDecoder, Decoder, Framing, check_max_size, unframed
from rawsocket.wire.payload import shorten

# A pattern is searched for in blocks of so many bytes.
BLOCK = 256
# Parts of a pattern that look behind its end, or never give back what they took: they may match in some bytes, and not
# in more. They are searched for after escaped bytes and sets were removed; in comments, anything may look like a set.
_NO_PARTS = re.compile(rb"\\[^ZbB]|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_SEES_THE_END = re.compile(rb"\$|\\[ZbB]|\(\?[=!>#]|\(\?[a-zA-Z]*x|[*+?}]\+")

# A `$` at the end of a pattern is always true where the pattern first matches.
_LAST_DOLLAR = re.compile(rb"(?<!\\)((?:\\\\)*)\$\Z")


@dataclass(frozen=True, slots=True)
class Delimiter(Framing):
    """Messages end with `mark`, which can't occur inside one. `max_size` is without the mark.

    With `many`, a payload may contain marks: it is sent as several messages at once, and each has a reply of its own.
    """

    mark: bytes
    max_size: int = MAX_SIZE
    many: bool = False

    def __post_init__(self) -> None:
        if not self.mark:
            raise ValueError("a delimiter needs at least one byte")
        check_max_size(self.max_size)

    @property
    def symmetric(self) -> bool:
        """Whether each payload is one message."""
        return not self.many

    def encode(self, payload: bytes) -> bytes:
        """Return the payload and the mark.

        Raises ValueError if the mark would be found earlier than at the end; with `many`, if none would be found there.
        """
        frame = payload + self.mark
        if frame.find(self.mark) == len(payload):
            return frame
        if not self.many:
            raise ValueError(
                f"a message can't hold its own end mark {self.mark!r} (many=True allows several messages in a payload)"
            )
        if not frame.split(self.mark)[-1]:
            return frame
        raise ValueError(f"the last of several messages can't end with a part of the end mark {self.mark!r}")

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _DelimiterDecoder(self.mark, self.max_size)


class Line(Delimiter):
    r"""Messages end with `\n`; a `\r` before it belongs to the message."""

    __slots__ = ()

    def __init__(self, max_size: int = MAX_SIZE, many: bool = False) -> None:
        super().__init__(b"\n", max_size, many)


@dataclass(frozen=True, slots=True)
class Marks(Framing):
    r"""Messages stand between the marks `start` and `end`, as in MLLP: Marks(b"\x0b", b"\x1c\r").

    `end` can't occur inside a message; `start` can. Bytes between two frames raise Wrong, unless `skip_between`: then
    they are ignored. `max_size` is without the marks.
    """

    start: bytes
    end: bytes
    max_size: int = MAX_SIZE
    skip_between: bool = False

    def __post_init__(self) -> None:
        if not (self.start and self.end):
            raise ValueError(f"Marks({self.start!r}, {self.end!r}): each mark needs at least one byte")
        check_max_size(self.max_size)

    def encode(self, payload: bytes) -> bytes:
        """Return the payload between the marks. Raises ValueError if the end mark would be found in it."""
        frame = self.start + payload + self.end
        if frame.find(self.end, len(self.start)) != len(self.start) + len(payload):
            raise ValueError(f"a message can't hold its own end mark {self.end!r}")
        return frame

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _MarksDecoder(self)


@dataclass(frozen=True, slots=True)
class UntilPattern(Framing):
    r"""A message ends with the first match of a regular expression, and includes it: UntilPattern(rb"[$#] ").

    The end is the earliest one, as if the bytes came one by one: `OK\d*` ends a message at `OK`, and `$` or `(?!x)` are
    true at the last byte that has come. `^` is the start of the message. A match has at most `max_match` bytes; longer
    ones are not found, which keeps the cost of each byte constant. `max_size` includes the match.

    A payload is sent as it is: what the pattern describes is a reply.
    """

    pattern: bytes
    max_match: int = 256
    max_size: int = MAX_SIZE

    def __post_init__(self) -> None:
        try:
            matches_nothing = re.compile(self.pattern).search(b"")
        except (re.error, TypeError) as error:
            raise ValueError(f"UntilPattern({self.pattern!r}): not a regular expression in bytes: {error}") from None
        if matches_nothing:
            raise ValueError(f"UntilPattern({self.pattern!r}): matches no bytes at all, so it would match everywhere")
        if self.max_match < 1:
            raise ValueError(f"UntilPattern(max_match={self.max_match}): must be at least 1")
        check_max_size(self.max_size)

    @property
    def symmetric(self) -> bool:
        """False: the pattern decides where a message ends, and a payload that is sent need not match it."""
        return False

    def encode(self, payload: bytes) -> bytes:
        """Return the payload itself. Raises ValueError if it is empty: nothing would be sent."""
        return unframed(payload)

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _PatternDecoder(self)


class _DelimiterDecoder(BufferedDecoder):
    __slots__ = ("_limit", "_mark")

    def __init__(self, mark: bytes, limit: int) -> None:
        super().__init__()
        self._mark = mark
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        buffer, mark = self._buffer, self._mark
        # The usual case: one whole message and nothing else.
        if not buffer and data.endswith(mark) and data.find(mark) == len(data) - len(mark) <= self._limit:
            return [data[: -len(mark)]]
        # Resume where the last search ended, minus a partial mark.
        searched = max(0, len(buffer) - len(mark) + 1)
        buffer += data
        return self._split(buffer, searched)

    def _split(self, buffer: bytearray, searched: int) -> list[bytes]:
        messages: list[bytes] = []
        begin, size = 0, len(self._mark)
        end = buffer.find(self._mark, searched)
        while end >= 0 and end - begin <= self._limit:
            messages.append(bytes(buffer[begin:end]))
            begin = end + size
            end = buffer.find(self._mark, begin)
        del buffer[:begin]
        if not messages:
            _check_unfinished(buffer, 0, self._mark, self._limit)
        return messages


class _MarksDecoder(BufferedDecoder):
    """Between two feeds its buffer starts with the unfinished frame, or with a part of a start mark."""

    __slots__ = ("_begin", "_framing", "_searched")

    def __init__(self, framing: Marks) -> None:
        super().__init__()
        self._framing = framing
        self._begin = 0  # where the next frame begins
        self._searched = 0  # where the search for its end mark resumes; 0: its start mark was not found yet

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        messages: list[bytes] = []
        try:
            while self._is_inside() and (end := self._find_end()) >= 0:
                messages.append(bytes(self._buffer[self._begin + len(self._framing.start) : end]))
                self._begin, self._searched = end + len(self._framing.end), 0
        except RawSocketError:
            if not messages:
                raise
        finally:
            self._forget()
        return messages

    def rest(self) -> bytes:
        self._searched = 0
        return super().rest()

    def _is_inside(self) -> bool:
        """Return whether a frame begins at `_begin`. Raises Wrong if other bytes are there."""
        if self._searched:
            return True
        buffer, start = self._buffer, self._framing.start
        if self._framing.skip_between:
            found = buffer.find(start, self._begin)
            self._begin = found if found >= 0 else len(buffer) - partial_mark(buffer, self._begin, start)
        came = buffer[self._begin : self._begin + len(start)]
        if not start.startswith(came):
            seen = shorten(bytes(buffer[self._begin : self._begin + 20]))
            raise Wrong(f"{seen} where a frame should start with {start!r}")
        if len(came) < len(start):
            return False
        self._searched = self._begin + len(start)
        return True

    def _find_end(self) -> int:
        """Return where the end mark is; -1 if it has not come. Raises TooLong."""
        buffer, mark, limit = self._buffer, self._framing.end, self._framing.max_size
        content = self._begin + len(self._framing.start)
        end = buffer.find(mark, self._searched)
        if 0 <= end <= content + limit:
            return end
        _check_unfinished(buffer, content, mark, limit)
        self._searched = max(content, len(buffer) - len(mark) + 1)
        return -1

    def _forget(self) -> None:
        """Drop what was decoded or skipped."""
        del self._buffer[: self._begin]
        self._searched = max(0, self._searched - self._begin)
        self._begin = 0


class _PatternDecoder(BufferedDecoder):
    """Its buffer is the unfinished message; the rest of a read is added to it in blocks.

    So a position in the buffer is one in the message, and no match sees bytes of another message.
    """

    __slots__ = ("_bound", "_each_byte", "_failed", "_limit", "_pattern", "_searched")

    def __init__(self, framing: UntilPattern) -> None:
        super().__init__()
        pattern = _LAST_DOLLAR.sub(rb"\1", framing.pattern)
        self._pattern = re.compile(pattern)
        self._each_byte = _sees_the_end(pattern)
        self._bound = framing.max_match
        self._limit = framing.max_size
        self._searched = 0  # a message does not end in so many bytes of the buffer
        self._failed = False

    def feed(self, data: bytes) -> list[bytes]:
        buffer = self._buffer
        messages: list[bytes] = []
        at = taken = 0  # `taken`: the last bytes of the buffer are from `data`
        while not self._failed:
            end = self._find_end()
            if end:
                messages.append(bytes(buffer[:end]))
                back = min(len(buffer) - end, taken)
                at, taken, self._searched = at - back, 0, 0
                buffer[:] = buffer[end : len(buffer) - back]
            elif len(buffer) >= self._limit:
                self._failed = True
            elif at == len(data):
                return messages
            else:
                block = data[at : at + min(BLOCK, self._limit - len(buffer))]
                buffer += block
                at, taken = at + len(block), taken + len(block)
        buffer += data[at:]
        if not messages:
            raise TooLong(f"no end of a message in {self._limit} bytes")
        return messages

    def rest(self) -> bytes:
        self._searched, self._failed = 0, False
        return super().rest()

    def _find_end(self) -> int:
        """Return where the message ends: after the fewest bytes with a match in them; 0 if that is not known yet."""
        buffer, bound, first = self._buffer, self._bound, self._searched + 1
        self._searched = len(buffer)
        if first > len(buffer):
            return 0
        if not self._each_byte:
            # A match in some bytes is one in more bytes as well, so all new bytes can be searched at once.
            found = self._pattern.search(buffer, max(0, first - bound))
            if found is None:
                return 0
            first = max(first, found.start())
            if found.end() - found.start() <= bound:
                return self._earliest(found.start(), first, found.end())
        return next((end for size in range(first, len(buffer) + 1) if (end := self._match_within(size))), 0)

    def _earliest(self, start: int, first: int, last: int) -> int:
        """Return the fewest bytes, `first` to `last`, that have a match from `start` on."""
        search, buffer = self._pattern.search, self._buffer
        sizes = range(first, last + 1)
        return sizes[bisect_left(sizes, True, key=lambda size: search(buffer, start, size) is not None)]

    def _match_within(self, size: int) -> int:
        """Return where the first match in the first `size` bytes ends; 0 if there is none."""
        found = self._pattern.finditer(self._buffer, max(0, size - self._bound), size)
        return next((match.end() for match in found if match.end()), 0)


def _sees_the_end(pattern: bytes) -> bool:
    """Return whether a pattern may match in some bytes and not in more; True in doubt."""
    return bool(_SEES_THE_END.search(_NO_PARTS.sub(b"", pattern)))


def partial_mark(buffer: bytearray, begin: int, mark: bytes) -> int:
    """Return how many bytes at the end of a buffer, after `begin`, may be the start of a mark."""
    most = min(len(mark) - 1, len(buffer) - begin)
    return next((size for size in range(most, 0, -1) if buffer.endswith(mark[:size])), 0)


def _check_unfinished(buffer: bytearray, begin: int, mark: bytes, limit: int) -> None:
    """Raise TooLong if the message from `begin` on has over `limit` bytes, even if an end mark has begun."""
    came = len(buffer) - begin
    if came > limit and came - partial_mark(buffer, begin, mark) > limit:
        raise TooLong(f"a message over {limit} bytes")
