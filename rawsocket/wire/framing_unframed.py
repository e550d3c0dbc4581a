"""Framings without a frame: a message is what one read brings, or what comes before a pause or before the end. Pure."""

from dataclasses import dataclass
from typing import ClassVar

from rawsocket.errors import TooLong
from rawsocket.wire.framing_base import MAX_SIZE, BufferedDecoder, Decoder, Framing, check_max_size, unframed


@dataclass(frozen=True, slots=True)
class Chunk(Framing):
    """No frame at all: the data of each read is a message. Only a reply known beforehand can be checked."""

    delimits: ClassVar[bool] = False

    def encode(self, payload: bytes) -> bytes:
        """Return the payload itself. Raises ValueError if it is empty: nothing would be sent."""
        return unframed(payload)

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _ChunkDecoder()


@dataclass(frozen=True, slots=True)
class IdleGap(Framing):
    """A message is what arrives until nothing more has come for `seconds`, or until the stream ends.

    Its latency ends with its last byte, before the pause. `max_size` as everywhere.
    """

    seconds: float
    max_size: int = MAX_SIZE

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"IdleGap({self.seconds}): must be a number of seconds above 0")
        check_max_size(self.max_size)

    @property
    def gap(self) -> float:
        """Seconds without data that end a message."""
        return self.seconds

    @property
    def symmetric(self) -> bool:
        """False: a message is complete after a pause, not with its bytes."""
        return False

    def encode(self, payload: bytes) -> bytes:
        """Return the payload itself. Raises ValueError if it is empty: nothing would be sent."""
        return unframed(payload)

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _GatheringDecoder(self.max_size)


@dataclass(frozen=True, slots=True)
class UntilClosed(Framing):
    """A message is all that arrives until the server closes the connection.

    A connection that is closed without a byte has no message, which is the failure `closed`, unless `empty`: then it is
    a message of no bytes.
    """

    empty: bool = False
    max_size: int = MAX_SIZE
    ends_with_connection: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_max_size(self.max_size)

    @property
    def symmetric(self) -> bool:
        """False: a message is complete with the end of the stream, not with its bytes."""
        return False

    def encode(self, payload: bytes) -> bytes:
        """Return the payload itself. Raises ValueError if it is empty: nothing would be sent."""
        return unframed(payload)

    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""
        return _UntilClosedDecoder(self.max_size, self.empty)


class _ChunkDecoder(Decoder):
    __slots__ = ()

    stateful: ClassVar[bool] = False

    @property
    def pending(self) -> int:
        return 0

    def feed(self, data: bytes) -> list[bytes]:
        return [data] if data else []


class _GatheringDecoder(BufferedDecoder):
    """Gathers a message until a gap or the end of the stream."""

    __slots__ = ("_limit",)

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        if len(self._buffer) > self._limit:
            raise TooLong(f"a message over {self._limit} bytes")
        return []

    def gap(self) -> list[bytes]:
        return self.end()

    def end(self) -> list[bytes]:
        return [self.rest()] if self._buffer else []


class _UntilClosedDecoder(_GatheringDecoder):
    """Gathers a message until the end of the stream."""

    __slots__ = ("_empty",)

    def __init__(self, limit: int, empty: bool) -> None:
        super().__init__(limit)
        self._empty = empty

    def gap(self) -> list[bytes]:
        return []

    def end(self) -> list[bytes]:
        return [self.rest()] if self._buffer or self._empty else []
