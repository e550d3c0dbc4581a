"""What every framing and every decoder is: the interfaces, and what their implementations share. Pure.

Strategy: a framing is a small immutable description that all users of a class share; `decoder()`
creates the state of one connection. A decoder is fed the data of each read and returns the messages
that are complete; the rest is kept and counted by `pending`.

Rules:

- Bytes are never lost, and each is examined and copied a constant number of times: feeding a stream whole, byte by
  byte or in any other pieces returns the same messages at the same cost per byte (except for `Chunk` and `IdleGap`,
  where the pieces or the pauses decide).
- A message over `max_size` bytes raises TooLong as soon as that is certain, before it is gathered; a stream that can't
  be one of this framing raises Wrong. Complete messages before it in the same read are returned first; `pending` is
  then above 0, and the next `feed` raises, even one without data. After a failure only `rest()` may be called.
- A message is either the content of its frame (Line, Delimiter, Fixed, LengthPrefixed, Marks, Varint without an
  offset) or the whole frame, where its other bytes have a meaning (LengthField, Varint with an offset, UntilPattern).
- `encode` raises ValueError for a payload that its framing can't carry: an error of the caller. `max_size` limits what
  is received, not what is sent.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

# The lab's server accepts messages up to this size by default.
MAX_SIZE = 65_536


class Decoder(ABC):
    """The inbound state of one connection. A subclass needs `feed` and `pending`; the rest has defaults."""

    __slots__ = ()

    # Whether it remembers more than the bytes of an unfinished frame. Then it gets every byte of its connection.
    stateful: ClassVar[bool] = True

    @abstractmethod
    def feed(self, data: bytes) -> list[bytes]:
        """Add the data of a read; return the messages that are complete now. Raises TooLong or Wrong."""

    @property
    @abstractmethod
    def pending(self) -> int:
        """Bytes of an unfinished frame."""

    def end(self) -> list[bytes]:
        """Return the messages that the end of the stream completes; by default none."""
        return []

    def gap(self) -> list[bytes]:
        """Return the messages that a pause of `Framing.gap` seconds completes; by default none."""
        return []

    def rest(self) -> bytes:
        """Take the undecoded bytes out of the decoder, for another framing to continue with.

        By default there are none; NotImplementedError if bytes are pending, since they would be lost.
        """
        if self.pending:
            raise NotImplementedError(_no_rest(self))
        return b""


class Framing(ABC):
    """A way to put messages into a stream and to find them in it again."""

    # Whether the framing itself decides where a message ends (Chunk doesn't).
    delimits: ClassVar[bool] = True
    # Whether the end of the stream ends a message, and is no failure then: Decoder.end() returns it.
    ends_with_connection: ClassVar[bool] = False

    @property
    def gap(self) -> float | None:
        """Seconds without data that end a message: Decoder.gap() then returns it. None: pauses mean nothing."""
        return None

    @property
    def receives(self) -> "Framing":
        """The framing of what arrives; another one if the directions differ (`Framings`)."""
        return self

    @property
    def symmetric(self) -> bool:
        """Whether a message is received in exactly the bytes that `encode` makes of it, so that they can be compared.

        False if more than its bytes decides that a message is complete (the end of the stream, a pause, a pattern), or
        if `encode` makes several messages of one payload.
        """
        return True

    @abstractmethod
    def encode(self, payload: bytes) -> bytes:
        """Return the payload in its frame. Raises ValueError for one that the framing can't carry."""

    @abstractmethod
    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""


class Framings(Framing):
    """Messages are sent in one framing and received in another."""

    symmetric = False

    def __init__(self, send: Framing, receive: Framing) -> None:
        for name, framing in (("send", send), ("receive", receive)):
            if not isinstance(framing, Framing):
                raise TypeError(f"Framings({name}={framing!r:.60}): must be a framing, like Line()")
        self.sends = send
        self._receives = receive.receives
        self.delimits = self._receives.delimits  # type: ignore[misc] # of each pair its own
        self.ends_with_connection = self._receives.ends_with_connection  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"Framings(send={self.sends!r}, receive={self._receives!r})"

    @property
    def receives(self) -> Framing:
        """The framing of what arrives."""
        return self._receives

    @property
    def gap(self) -> float | None:
        """That of what arrives."""
        return self._receives.gap

    def encode(self, payload: bytes) -> bytes:
        """Return the payload in the frame in which it is sent."""
        return self.sends.encode(payload)

    def decoder(self) -> Decoder:
        """Return a decoder of what arrives."""
        return self._receives.decoder()


class BufferedDecoder(Decoder):
    """Keeps an unfinished frame, nothing else. A bytearray: adding to bytes copies all of them at every read."""

    __slots__ = ("_buffer",)

    stateful: ClassVar[bool] = False

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of an unfinished frame."""
        return len(self._buffer)

    def rest(self) -> bytes:
        """Take the undecoded bytes out of the decoder."""
        taken = bytes(self._buffer)
        self._buffer.clear()
        return taken


def rest_of(decoder: Decoder) -> bytes:
    """Return decoder.rest(). NotImplementedError if a user's decoder has no such method, as rest() itself raises it.

    A decoder that was written before there was such a method may have an attribute of that name.
    """
    if not callable(decoder.rest):
        raise NotImplementedError(_no_rest(decoder))
    return decoder.rest()


def check_max_size(size: int) -> None:
    """Raise ValueError if a size limit is not above 0."""
    if size < 1:
        raise ValueError(f"a message size of {size} bytes: must be at least 1")


def unframed(payload: bytes) -> bytes:
    """Return a payload that is sent without a frame. Raises ValueError if it is empty: nothing would be sent."""
    if not payload:
        raise ValueError("an empty message can't be sent without a frame")
    return payload


def _no_rest(decoder: Decoder) -> str:
    return (
        f"{type(decoder).__name__} has {decoder.pending} undecoded bytes that another framing must continue with: "
        "give it a method rest() that returns them as bytes and removes them from the decoder"
    )
