"""How a stream of bytes is split into messages: pure encoders and incremental decoders.

Strategy: a framing is a small immutable description that all users of a class share; `decoder()`
creates the state of one connection. A decoder is fed the data of each read and returns the messages
that are complete, without their frame; the rest is kept and counted by `pending`.

Rules:

- Bytes are never lost or examined twice: feeding a stream whole, byte by byte or in any other
  pieces returns the same messages (except for `Chunk`, where each piece is a message).
- A message over `max_size` bytes raises TooLong as soon as that is certain, before it is gathered.
  Complete messages before it in the same read are returned first; the next `feed` raises, even one
  without data. After TooLong a decoder can't be used any more.
- `encode` raises ValueError for a payload that its framing can't carry: an error of the caller.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from rawsocket.errors import TooLong

# The lab's server accepts messages up to this size by default.
MAX_SIZE = 65_536


class Decoder(ABC):
    """The inbound state of one connection."""

    __slots__ = ()

    def end(self) -> list[bytes]:
        """Return the messages that the end of the stream completes; by default none."""
        return []

    def gap(self) -> list[bytes]:
        """Return the messages that a pause of `Framing.gap` seconds completes; by default none."""
        return []

    def rest(self) -> bytes:
        """Take the undecoded bytes out of the decoder, for another framing to continue with."""
        return b""

    @abstractmethod
    def feed(self, data: bytes) -> list[bytes]:
        """Add the data of a read; return the messages that are complete now. Raises TooLong."""

    @property
    @abstractmethod
    def pending(self) -> int:
        """Bytes of an unfinished frame."""


class Framing(ABC):
    """A way to put messages into a stream and to find them in it again."""

    # Whether the framing itself marks where a message ends (Chunk doesn't).
    delimits: ClassVar[bool] = True
    ends_with_connection: ClassVar[bool] = False
    # Whether a decoder remembers more than the bytes of an unfinished frame, so it must see every byte.
    stateful: ClassVar[bool] = True

    @property
    def gap(self) -> float | None:
        """Seconds without data that end a message."""
        return None

    @property
    def symmetric(self) -> bool:
        """Whether a message is received in exactly the bytes that `encode` makes of it."""
        return True

    @abstractmethod
    def encode(self, payload: bytes) -> bytes:
        """Return the payload in its frame. Raises ValueError for one that the framing can't carry."""

    @abstractmethod
    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""


@dataclass(frozen=True, slots=True)
class Delimiter(Framing):
    """Messages end with `mark`, which can't occur inside one. `max_size` is without the mark."""

    stateful: ClassVar[bool] = False
    mark: bytes
    max_size: int = MAX_SIZE

    def __post_init__(self) -> None:
        if not self.mark:
            raise ValueError("a delimiter needs at least one byte")
        _check_max_size(self.max_size)

    def encode(self, payload: bytes) -> bytes:
        """Return the payload and the mark. Raises ValueError if the mark would be found earlier than at the end."""
        frame = payload + self.mark
        if frame.find(self.mark) != len(payload):
            raise ValueError(f"a message can't hold its own end mark {self.mark!r}")
        return frame

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _DelimiterDecoder(self.mark, self.max_size)


class Line(Delimiter):
    r"""Messages end with `\n`; a `\r` before it belongs to the message."""

    __slots__ = ()

    def __init__(self, max_size: int = MAX_SIZE) -> None:
        super().__init__(b"\n", max_size)


@dataclass(frozen=True, slots=True)
class Fixed(Framing):
    """Every message has exactly `size` bytes."""

    stateful: ClassVar[bool] = False
    size: int

    def __post_init__(self) -> None:
        _check_max_size(self.size)

    def encode(self, payload: bytes) -> bytes:
        """Return the payload itself. Raises ValueError if it has another size."""
        if len(payload) != self.size:
            raise ValueError(f"a message of {len(payload)} bytes: must have exactly {self.size}")
        return payload

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _FixedDecoder(self.size)


@dataclass(frozen=True, slots=True)
class LengthPrefixed(Framing):
    """A header of `size` bytes has the length of the message (if `counts_header`, including the header)."""

    stateful: ClassVar[bool] = False
    size: int = 4
    byteorder: Literal["big", "little"] = "big"
    counts_header: bool = False
    max_size: int = MAX_SIZE

    def __post_init__(self) -> None:
        if self.size not in (1, 2, 4, 8):
            raise ValueError(f"LengthPrefixed(size={self.size}): must be 1, 2, 4 or 8")
        if self.byteorder not in ("big", "little"):
            raise ValueError(f"LengthPrefixed(byteorder={self.byteorder!r}): must be 'big' or 'little'")
        _check_max_size(self.max_size)

    def encode(self, payload: bytes) -> bytes:
        """Return the header and the payload. Raises ValueError if the length doesn't fit into the header."""
        length = len(payload) + (self.size if self.counts_header else 0)
        try:
            return length.to_bytes(self.size, self.byteorder) + payload
        except OverflowError:
            raise ValueError(f"a length of {length} doesn't fit into {self.size} bytes") from None

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _LengthDecoder(self)


@dataclass(frozen=True, slots=True)
class Chunk(Framing):
    """No frame at all: the data of each read is a message. Only a reply known beforehand can be checked."""

    delimits: ClassVar[bool] = False
    stateful: ClassVar[bool] = False

    def encode(self, payload: bytes) -> bytes:
        """Return the payload itself. Raises ValueError if it is empty: nothing would be sent."""
        if not payload:
            raise ValueError("an empty message can't be sent without a frame")
        return payload

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _ChunkDecoder()


class _Buffered(Decoder):
    """Keeps an unfinished frame. A bytearray, because adding to bytes copies all of them at every read."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        return len(self._buffer)


class _DelimiterDecoder(_Buffered):
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
        # The buffer may end with the start of a mark; don't count that.
        unfinished = (end if end >= 0 else len(buffer) - size + 1) - begin
        del buffer[:begin]
        if unfinished > self._limit and not messages:
            raise TooLong(f"a message over {self._limit} bytes")
        return messages


class _FixedDecoder(_Buffered):
    __slots__ = ("_size",)

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def feed(self, data: bytes) -> list[bytes]:
        buffer, size = self._buffer, self._size
        if not buffer and len(data) == size:
            return [data]
        buffer += data
        whole = len(buffer) - len(buffer) % size
        messages = [bytes(buffer[begin : begin + size]) for begin in range(0, whole, size)]
        del buffer[:whole]
        return messages


class _LengthDecoder(_Buffered):
    __slots__ = ("_framing",)

    def __init__(self, framing: LengthPrefixed) -> None:
        super().__init__()
        self._framing = framing

    def feed(self, data: bytes) -> list[bytes]:
        buffer, header = self._buffer, self._framing.size
        buffer += data
        messages: list[bytes] = []
        begin = 0
        while len(buffer) - begin >= header:
            length = self._length(buffer[begin : begin + header])
            end = begin + header + length
            if self._complaint(length) or len(buffer) < end:
                break
            messages.append(bytes(buffer[begin + header : end]))
            begin = end
        del buffer[:begin]
        if not messages and len(buffer) >= header:
            complaint = self._complaint(self._length(buffer[:header]))
            if complaint:
                raise TooLong(complaint)
        return messages

    def _length(self, header: bytearray) -> int:
        length = int.from_bytes(header, self._framing.byteorder)
        return length - self._framing.size if self._framing.counts_header else length

    def _complaint(self, length: int) -> str:
        if length < 0:
            # Shorter than its own header: the stream is corrupt.
            return f"a header that announces {length + self._framing.size} bytes with itself"
        if length > self._framing.max_size:
            return f"a message of {length} bytes announced, over {self._framing.max_size}"
        return ""


class _ChunkDecoder(Decoder):
    __slots__ = ()

    @property
    def pending(self) -> int:
        return 0

    def feed(self, data: bytes) -> list[bytes]:
        return [data] if data else []


def _check_max_size(size: int) -> None:
    if size < 1:
        raise ValueError(f"a message size of {size} bytes: must be at least 1")
