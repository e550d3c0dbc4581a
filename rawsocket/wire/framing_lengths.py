"""Framings whose messages have a known length: always the same, or announced by a header. Pure."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

from rawsocket.errors import RawSocketError, TooLong, Wrong
from rawsocket.wire.framing_base import MAX_SIZE, BufferedDecoder, Decoder, Framing, check_max_size

# A varint of 64 bits has up to ten bytes of seven bits each.
VARINT_BYTES = 10


@dataclass(frozen=True, slots=True)
class Fixed(Framing):
    """Every message has exactly `size` bytes."""

    size: int

    def __post_init__(self) -> None:
        check_max_size(self.size)

    def encode(self, payload: bytes) -> bytes:
        """Return the payload itself. Raises ValueError if it has another size."""
        if len(payload) != self.size:
            raise ValueError(f"a message of {len(payload)} bytes: must have exactly {self.size}")
        return payload

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _FixedDecoder(self.size)


class _Announced(Framing):
    """A header announces the length of each frame."""

    __slots__ = ()

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _AnnouncedDecoder(self)

    @abstractmethod
    def locate(self, buffer: bytes | bytearray, begin: int) -> tuple[int, int] | None:
        """Return where the message starts and ends whose frame begins at `begin`; None if its header is incomplete.

        Its end may lie behind the end of the buffer. Raises TooLong or Wrong.
        """


@dataclass(frozen=True, slots=True)
class LengthPrefixed(_Announced):
    """A header of `size` bytes has the length of the message (if `counts_header`, including the header).

    The header is not part of the message; `max_size` is without it.
    """

    size: int = 4
    byteorder: Literal["big", "little"] = "big"
    counts_header: bool = False
    max_size: int = MAX_SIZE

    def __post_init__(self) -> None:
        if self.size not in (1, 2, 4, 8):
            raise ValueError(f"LengthPrefixed(size={self.size}): must be 1, 2, 4 or 8")
        _check_byteorder("LengthPrefixed", self.byteorder)
        check_max_size(self.max_size)

    def encode(self, payload: bytes) -> bytes:
        """Return the header and the payload. Raises ValueError if the length doesn't fit into the header."""
        length = len(payload) + (self.size if self.counts_header else 0)
        return _to_bytes(length, self.size, self.byteorder) + payload

    def locate(self, buffer: bytes | bytearray, begin: int) -> tuple[int, int] | None:
        """Return where the message starts and ends; see the base class."""
        start = begin + self.size
        if len(buffer) < start:
            return None
        announced = int.from_bytes(buffer[begin:start], self.byteorder)
        length = announced - self.size if self.counts_header else announced
        if length < 0:
            # Shorter than its own header: the stream is corrupt.
            raise TooLong(f"a header that announces {announced} bytes with itself")
        _check_announced(length, self.max_size)
        return start, start + length


@dataclass(frozen=True, slots=True)
class LengthField(_Announced):
    """A header has a length in the `size` bytes at `offset`; the message is the WHOLE frame, with its header.

    The frame has offset + size + length + `adjust` bytes, or with `includes_header` only length + `adjust`: the length
    then includes the header up to its own end. `adjust` may be negative. `max_size` is that of the whole frame.

    `frame(head, body)` makes a frame. `encode` takes a whole frame and checks its length. It never fills it in: an
    expected reply goes through `encode` as well, and must be exactly what is received.
    """

    offset: int = 0
    size: int = 4
    byteorder: Literal["big", "little"] = "big"
    adjust: int = 0
    includes_header: bool = False
    max_size: int = MAX_SIZE

    def __post_init__(self) -> None:
        _check_offset("LengthField", self.offset)
        if not 1 <= self.size <= 8:
            raise ValueError(f"LengthField(size={self.size}): must be 1 to 8")
        _check_byteorder("LengthField", self.byteorder)
        check_max_size(self.max_size)

    @property
    def _header(self) -> int:
        return self.offset + self.size

    @property
    def _not_counted(self) -> int:
        """Bytes of a frame that its length doesn't count."""
        return self.adjust + (0 if self.includes_header else self._header)

    def frame(self, head: bytes, body: bytes) -> bytes:
        """Return a frame: the `offset` bytes of `head`, the right length, `body`. Raises ValueError."""
        _check_head(head, self.offset)
        length = self._header + len(body) - self._not_counted
        return head + _to_bytes(length, self.size, self.byteorder) + body

    def encode(self, payload: bytes) -> bytes:
        """Return the payload, which is a whole frame. Raises ValueError if its length is missing or wrong."""
        announced = int.from_bytes(payload[self.offset : self._header], self.byteorder)
        if len(payload) < self._header or announced + self._not_counted != len(payload):
            raise _not_whole(payload, self)
        return payload

    def locate(self, buffer: bytes | bytearray, begin: int) -> tuple[int, int] | None:
        """Return where the frame starts and ends; see the base class."""
        start = begin + self._header
        if len(buffer) < start:
            return None
        announced = int.from_bytes(buffer[begin + self.offset : start], self.byteorder)
        length = announced + self._not_counted
        if length < self._header:
            raise Wrong(f"a header of {self._header} bytes announces a frame of {length} bytes with itself")
        _check_announced(length, self.max_size)
        return begin, begin + length


@dataclass(frozen=True, slots=True)
class Varint(_Announced):
    """A varint has the length of what follows it: seven bits in each byte, the lowest first, as in protobuf and MQTT.

    With `offset=0` (protobuf) the message is what follows the length. With bytes before it (MQTT: `offset=1`) the
    message is the WHOLE frame, because those bytes say what it is; `encode` then takes a whole frame and checks its
    length. `frame(head, body)` makes a frame. `max_size` is that of the message.
    """

    offset: int = 0
    max_size: int = MAX_SIZE

    def __post_init__(self) -> None:
        _check_offset("Varint", self.offset)
        check_max_size(self.max_size)

    def frame(self, head: bytes, body: bytes) -> bytes:
        """Return a frame: the `offset` bytes of `head`, the length of `body`, `body`. Raises ValueError."""
        _check_head(head, self.offset)
        return head + _to_varint(len(body)) + body

    def encode(self, payload: bytes) -> bytes:
        """Return the payload after its length, or with an `offset` the payload itself, which is a whole frame.

        Raises ValueError if a whole frame's length is missing or wrong.
        """
        if not self.offset:
            return self.frame(b"", payload)
        found = self._read(payload, self.offset)
        if found is None or sum(found) != len(payload):
            raise _not_whole(payload, self)
        return payload

    def locate(self, buffer: bytes | bytearray, begin: int) -> tuple[int, int] | None:
        """Return where the message starts and ends; see the base class."""
        found = self._read(buffer, begin + self.offset)
        if found is None:
            return None
        start, length = found
        end = start + length
        _check_announced(end - begin if self.offset else length, self.max_size)
        return (begin if self.offset else start), end

    def _read(self, buffer: bytes | bytearray, begin: int) -> tuple[int, int] | None:
        """Return where the varint ends that begins at `begin`, and its number; None if it is incomplete.

        Raises TooLong once the number is over `max_size`: each further byte can only add to it. Raises Wrong.
        """
        number = 0
        for place, byte in enumerate(buffer[begin : begin + VARINT_BYTES]):
            number |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return begin + place + 1, number
            _check_announced(number, self.max_size)
        if len(buffer) >= begin + VARINT_BYTES:
            raise Wrong(f"a length of more than {VARINT_BYTES} bytes")
        return None


class _FixedDecoder(BufferedDecoder):
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


class _AnnouncedDecoder(BufferedDecoder):
    __slots__ = ("_framing",)

    def __init__(self, framing: _Announced) -> None:
        super().__init__()
        self._framing = framing

    def feed(self, data: bytes) -> list[bytes]:
        buffer, locate = self._buffer, self._framing.locate
        buffer += data
        messages: list[bytes] = []
        begin = 0
        try:
            while (found := locate(buffer, begin)) and found[1] <= len(buffer):
                messages.append(bytes(buffer[found[0] : found[1]]))
                begin = found[1]
        except RawSocketError:
            if not messages:
                raise
        del buffer[:begin]
        return messages


def _to_bytes(length: int, size: int, byteorder: Literal["big", "little"]) -> bytes:
    try:
        return length.to_bytes(size, byteorder)
    except OverflowError:
        raise ValueError(f"a length of {length} doesn't fit into {size} bytes") from None


def _to_varint(length: int) -> bytes:
    groups = bytearray()
    while length >= 0x80:
        groups.append(length & 0x7F | 0x80)
        length >>= 7
    groups.append(length)
    return bytes(groups)


def _check_announced(length: int, limit: int) -> None:
    if length > limit:
        raise TooLong(f"a message of {length} bytes announced, over {limit}")


def _check_byteorder(name: str, byteorder: str) -> None:
    if byteorder not in ("big", "little"):
        raise ValueError(f"{name}(byteorder={byteorder!r}): must be 'big' or 'little'")


def _check_offset(name: str, offset: int) -> None:
    if offset < 0:
        raise ValueError(f"{name}(offset={offset}): must be 0 or more")


def _check_head(head: bytes, offset: int) -> None:
    if len(head) != offset:
        raise ValueError(f"{len(head)} bytes before the length: must be exactly {offset}")


def _not_whole(payload: bytes, framing: _Announced) -> ValueError:
    return ValueError(
        f"a message of {len(payload)} bytes is not a whole frame of {framing}: its length is missing or wrong; "
        "frame(head, body) makes a frame with the right length"
    )
