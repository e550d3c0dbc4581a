r"""A framing whose messages begin with a head of text, which may say how many bytes follow it. Pure.

Strategy: the end of the head is searched for once, and its length is read once: the decoder keeps where the search
resumes, and where the message ends.
"""

import re
from dataclasses import dataclass

from rawsocket.errors import RawSocketError, TooLong, Wrong
from rawsocket.wire.framing_base import MAX_SIZE, BufferedDecoder, Decoder, Framing, check_max_size, unframed
from rawsocket.wire.framing_marks import partial_mark
from rawsocket.wire.payload import shorten

# A length of more digits is over any limit; Python refuses to convert very long ones.
DIGITS = 18


@dataclass(frozen=True, slots=True)
class LengthInText(Framing):
    r"""A message begins with a head that ends with `end`; `pattern` finds in it how many bytes follow, in digits.

    HTTP: LengthInText(b"\r\n\r\n", rb"(?i)\ncontent-length: *(\d+)"). The pattern is searched for in the whole head and
    has one group, the digits. If it isn't found, the message is the head alone. After the bytes that it announces comes
    `after`, as in Redis and NATS: other bytes are the failure `wrong`.

    The message is the WHOLE frame. A payload is sent as it is: what the pattern describes is a reply. `max_size` is
    that of the message.
    """

    end: bytes
    pattern: bytes
    after: bytes = b""
    max_size: int = MAX_SIZE

    def __post_init__(self) -> None:
        if not self.end:
            raise ValueError("LengthInText: the end of a head needs at least one byte")
        try:
            groups = re.compile(self.pattern).groups
        except (re.error, TypeError) as error:
            raise ValueError(f"LengthInText({self.pattern!r}): not a regular expression in bytes: {error}") from None
        if groups != 1:
            raise ValueError(f"LengthInText({self.pattern!r}): must have exactly one group, the digits of the length")
        check_max_size(self.max_size)

    @property
    def symmetric(self) -> bool:
        """False: a payload that is sent need not look like a message that is received."""
        return False

    def encode(self, payload: bytes) -> bytes:
        """Return the payload itself. Raises ValueError if it is empty: nothing would be sent."""
        return unframed(payload)

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _TextDecoder(self)

    def announced(self, head: bytes) -> int | None:
        """Return how many bytes follow the head and what is after them; None if it doesn't say. TooLong or Wrong."""
        found = re.search(self.pattern, head)
        if found is None or found[1] is None:
            return None
        if not found[1].isdigit():
            raise Wrong(f"{shorten(found[1])} is no length, in a message that begins with {shorten(head)}")
        if len(found[1]) > DIGITS:
            raise TooLong(f"a length of {len(found[1])} digits announced, over {self.max_size}")
        return int(found[1])


class _TextDecoder(BufferedDecoder):
    """Between two feeds its buffer starts with the unfinished message."""

    __slots__ = ("_body", "_framing", "_searched", "_stop")

    def __init__(self, framing: LengthInText) -> None:
        super().__init__()
        self._framing = framing
        self._restart()

    def _restart(self) -> None:
        """Begin with the next message, whose head was not found yet."""
        self._searched = 0  # where the search for the end of the head resumes
        self._body = False  # whether the head announces bytes that follow
        self._stop = 0  # where the message ends; 0: not known yet

    def feed(self, data: bytes) -> list[bytes]:
        buffer = self._buffer
        buffer += data
        messages: list[bytes] = []
        begin = 0
        try:
            while self._find_stop(begin) and self._stop <= len(buffer):
                self._check_after()
                messages.append(bytes(buffer[begin : self._stop]))
                begin = self._stop
                self._restart()
                self._searched = begin
        except RawSocketError:
            if not messages:
                raise
            self._restart()
            self._searched = begin
        del buffer[:begin]
        self._searched -= begin
        self._stop = max(0, self._stop - begin)
        return messages

    def rest(self) -> bytes:
        self._restart()
        return super().rest()

    def _find_stop(self, begin: int) -> int:
        """Return where the message ends that starts at `begin`; 0 if that is not known yet. TooLong or Wrong."""
        if self._stop:
            return self._stop
        buffer, mark = self._buffer, self._framing.end
        found = buffer.find(mark, self._searched)
        if found < 0:
            least = len(buffer) - begin - partial_mark(buffer, begin, mark) + len(mark)
            self._check_size(least)
            self._searched = max(begin, len(buffer) - len(mark) + 1)
            return 0
        size = found + len(mark) - begin
        self._check_size(size)
        length = self._framing.announced(bytes(buffer[begin : begin + size]))
        if length is not None:
            self._body = True
            size += length + len(self._framing.after)
            self._check_size(size)
        self._stop = begin + size
        return self._stop

    def _check_size(self, size: int) -> None:
        if size > self._framing.max_size:
            raise TooLong(f"a message of {size} bytes or more, over {self._framing.max_size}")

    def _check_after(self) -> None:
        after = self._framing.after
        if self._body and after:
            came = bytes(self._buffer[self._stop - len(after) : self._stop])
            if came != after:
                raise Wrong(f"{shorten(came)} where a message should end with {after!r}")
