"""Makes the framing of a plan. Pure.

`FollowedBy` is the framing of `then`: raw bytes follow some frames and belong to their message, whatever the framing
says of them. Its decoder passes the stream to that of the framing in small pieces. So if a frame announces raw bytes,
only few bytes behind it were decoded in vain.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rawsocket.conversation.plan import FramingPlan, More
from rawsocket.errors import RawSocketError, TooLong, Wrong
from rawsocket.wire import framing as framings
from rawsocket.wire.framing import (
    MAX_SIZE,
    Decoder,
    Delimiter,
    Fixed,
    Framing,
    Framings,
    LengthField,
    LengthInText,
    UntilPattern,
    Varint,
    rest_of,
)
from rawsocket.wire.framing_text import DIGITS
from rawsocket.wire.payload import shorten

PIECE = 256  # bytes that are decoded at once
# Where a message shows which part of it is the frame: the frame ends with a mark, or the message is the whole frame.
_FOLLOWED = (Delimiter, Fixed, LengthField, LengthInText, UntilPattern, Varint)


def framing_of(plan: FramingPlan) -> Framing:
    """Return the framing of a plan. Raises ValueError or TypeError for arguments that it can't have."""
    kind = getattr(framings, plan.name)
    arguments: dict[str, Any] = {
        name: framing_of(value) if isinstance(value, FramingPlan) else value for name, value in plan.arguments.items()
    }
    made: Framing = kind(**arguments)
    if not plan.more:
        return made
    sends = made.sends if isinstance(made, Framings) else made
    return Framings(sends, FollowedBy(made.receives, plan.more))


@dataclass(frozen=True)
class FollowedBy(Framing):
    """What arrives in `frames`, some of which are followed by raw bytes.

    A message that raw bytes belong to is the whole frame and these bytes. All others are those of `frames`.
    """

    frames: Framing
    more: tuple[More, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.frames, _FOLLOWED) or (isinstance(self.frames, Varint) and not self.frames.offset):
            raise ValueError(
                f"raw bytes can't follow a message of {type(self.frames).__name__}: "
                "they can with a delimiter, a pattern, a fixed size, or a length that is a part of the message"
            )

        rules = tuple((re.compile(one.pattern).search, one.group, one.extra) for one in self.more)
        object.__setattr__(self, "_rules", rules)

    @property
    def max_size(self) -> int:
        """The most bytes of a message."""
        return int(getattr(self.frames, "max_size", MAX_SIZE))

    @property
    def symmetric(self) -> bool:
        """False: more than the bytes of a frame decides that a message is complete."""
        return False

    def head(self, message: bytes) -> bytes:
        """Return the message that its frame alone would be, without what follows it."""
        if isinstance(self.frames, Delimiter):
            return message.partition(self.frames.mark)[0]
        messages = self.frames.decoder().feed(message)
        return messages[0] if messages else message

    def encode(self, message: bytes) -> bytes:
        """Return a message as it arrived."""
        is_whole = not isinstance(self.frames, Delimiter) or self.frames.mark in message
        if is_whole and (head := self.head(message)) != message and self.announced(head) is not None:
            return message
        return self.frames.encode(message)

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _FollowedDecoder(self)

    def announced(self, message: bytes) -> int | None:
        """Return how many raw bytes follow a frame with this message; None if none do. Raises TooLong or Wrong."""
        for search, group, extra in self._rules:  # type: ignore[attr-defined]
            found = search(message)
            if found is None:
                continue
            if not group:
                return int(extra)
            if found[group] is not None:
                return _length(found[group], extra, message)
        return None


class _FollowedDecoder(Decoder):
    """Between two feeds, either its inner decoder has the unfinished frame, or `_head` waits for its raw bytes."""

    __slots__ = ("_ahead", "_at", "_failure", "_framing", "_head", "_inner", "_left")

    def __init__(self, framing: FollowedBy) -> None:
        self._framing = framing
        self._inner = framing.frames.decoder()
        self._ahead: bytes | bytearray = b""  # bytes that were not passed to it; usually none, so no buffer of its own
        self._at = 0  # during a feed: how many of them were
        self._head = b""  # the frame whose raw bytes are awaited, as it arrived
        self._left = 0  # how many they are
        self._failure: RawSocketError | None = None  # of what follows the messages so far

    @property
    def pending(self) -> int:
        found = len(self._head) + len(self._ahead) + self._inner.pending
        return found or int(self._failure is not None)

    def feed(self, data: bytes) -> list[bytes]:
        if self._ahead:
            self._ahead += data
        else:
            self._ahead = data
        if self._failure is not None:
            raise self._failure
        messages: list[bytes] = []
        try:
            while self._take_raw(messages) if self._head else self._decode_piece(messages):
                pass
        except RawSocketError as failure:
            self._failure = failure
            if not messages:
                raise
        finally:
            self._keep_rest()
        return messages

    def rest(self) -> bytes:
        taken = self._head + rest_of(self._inner) + bytes(self._ahead)
        self._head, self._left, self._failure = b"", 0, None
        self._ahead = b""
        return taken

    def _keep_rest(self) -> None:
        """Keep what was not decoded, in a buffer that grows at no cost."""
        ahead, at = self._ahead, self._at
        self._at = 0
        if at == len(ahead):
            self._ahead = b""
        elif isinstance(ahead, bytearray):
            del ahead[:at]
        else:
            self._ahead = bytearray(ahead[at:])

    def _decode_piece(self, messages: list[bytes]) -> bool:
        """Decode the next bytes; return False if there are none. Raises TooLong or Wrong."""
        ahead, at = self._ahead, self._at
        if at == len(ahead):
            return False
        piece = ahead if not at and len(ahead) <= PIECE else ahead[at : at + PIECE]
        self._at += len(piece)
        found = self._inner.feed(piece if isinstance(piece, bytes) else bytes(piece))
        for number, message in enumerate(found, 1):
            if self._announces(message, found, number):
                return True
            messages.append(message)
        if found and self._inner.pending:
            self._inner.feed(b"")  # the next message may have failed already
        return True

    def _announces(self, message: bytes, found: Sequence[bytes], number: int) -> bool:
        """Return whether raw bytes follow a frame. Then those `found` behind it are none. Raises TooLong or Wrong."""
        try:
            left = self._framing.announced(message)
        except RawSocketError:
            self._go_back(message, found[number:])
            raise
        if left is None:
            return False
        self._go_back(message, found[number:])
        self._left = left
        if len(self._head) + left > self._framing.max_size:
            raise TooLong(f"a message of {len(self._head) + left} bytes, over {self._framing.max_size}")
        return True

    def _go_back(self, message: bytes, behind: Sequence[bytes]) -> None:
        encode = self._framing.frames.encode
        self._at -= sum([len(encode(one)) for one in behind]) + len(rest_of(self._inner))
        self._head = encode(message)

    def _take_raw(self, messages: list[bytes]) -> bool:
        """Take the raw bytes of a frame; return False if they are not complete."""
        end = self._at + self._left
        if len(self._ahead) < end:
            return False
        messages.append(self._head + self._ahead[self._at : end])
        self._at, self._head = end, b""
        return True


def _length(digits: bytes, extra: int, message: bytes) -> int:
    if not digits.isdigit():
        raise Wrong(f"{shorten(digits)} is no length, in a message that begins with {shorten(message)}")
    if len(digits) > DIGITS:
        raise TooLong(f"a length of {len(digits)} digits announced")
    left = int(digits) + extra
    if left < 0:
        raise Wrong(f"{left} bytes announced, in a message that begins with {shorten(message)}")
    return left
