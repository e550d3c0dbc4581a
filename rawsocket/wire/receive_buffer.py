"""The unread data of a connection: messages, and the failure that ended the stream. Pure.

Rules: messages keep the order in which they arrived, each with the times of the reads that brought its first byte and
its last one. The server's error lines are recognised in every framing, at the start of a frame. A failure (an error
line, a message over the framing's limit, the end of the stream) is always the last item.
"""

from collections.abc import Callable
from typing import Protocol

from rawsocket.errors import RawSocketError, ServerFull, Wrong, fault
from rawsocket.wire.framing import Framing
from rawsocket.wire.framing_base import rest_of
from rawsocket.wire.payload import shorten

ERROR_LINE = b"ERR "  # how each of them begins
SERVER_ERRORS: dict[bytes, type[RawSocketError]] = {
    b"ERR server full": ServerFull,
    b"ERR message too long": Wrong,
    b"ERR message timeout": Wrong,
}


class Pushes(Protocol):
    """Takes the messages that overtake the others."""

    def take(self, message: bytes, at: float) -> bool:
        """Take a message that arrived at that time; False: it is none of them."""


class ReceiveBuffer:
    """The received data of one connection, but for the messages that `pushes` takes.

    Times are seconds of one monotonic clock.
    """

    __slots__ = ("_begun", "_decoder", "_framing", "_items", "_last", "_next", "_pushes", "is_finished")

    def __init__(self, framing: Framing, pushes: Pushes | None = None) -> None:
        self._framing = framing
        self._pushes = pushes
        self._decoder = framing.decoder()
        self._items: list[tuple[bytes | RawSocketError, float, float]] = []
        self._next = 0  # the oldest item; those before it were taken
        self._begun = 0.0  # when the first byte of the unfinished frame arrived
        self._last = 0.0  # when the last byte arrived
        self.is_finished = False  # whether the stream has ended

    def __len__(self) -> int:
        return len(self._items) - self._next

    @property
    def pending(self) -> int:
        """Bytes of an unfinished frame."""
        return self._decoder.pending

    def feed(self, data: bytes, at: float, inside: bool) -> None:
        """Add the data of a read at that time; `inside` a reply without frames it can't be an error line."""
        decoder, items = self._decoder, self._items
        self._last = at
        is_first = not decoder.pending
        if is_first and data.startswith(ERROR_LINE) and not inside:
            line = data.partition(b"\n")[0]
            if line in SERVER_ERRORS:
                items.append((_server_error(line), at, at))
                return
        self._decode(decoder.feed, (data,), at, at if is_first else self._begun)

    def finish(self, at: float) -> None:
        """Add the messages that the end of the stream completes."""
        self.is_finished = True
        self._decode(getattr(self._decoder, "end", list), (), at, self._begun or at)

    def gap(self) -> None:
        """Add the messages that are complete because nothing has arrived for a while."""
        self._decode(self._decoder.gap, (), self._last, self._begun or self._last)

    def change_framing(self, framing: Framing, at: float) -> None:
        """Decode with another framing from here on; unread messages and bytes are decoded again."""
        failure = self.failure()
        rest = self.take_undecoded()
        self._framing, self._decoder = framing, framing.decoder()
        if rest:
            self.feed(rest, at, inside=False)
        if failure is not None:
            self.end(failure, at)

    def take_undecoded(self) -> bytes:
        """Take all bytes that were not taken as messages, as they came."""
        items, self._items = self._items[self._next :], []
        self._next = 0
        encode = self._framing.receives.encode
        return b"".join(encode(item) for item, _, _ in items if isinstance(item, bytes)) + rest_of(self._decoder)

    def _decode(self, decode: Callable[..., list[bytes]], data: tuple[bytes, ...], at: float, first: float) -> None:
        """Add the messages that the decoder returns, or the failure or exception that it raises, as the last item."""
        try:
            messages = decode(*data)
            first = self._add(messages, at, first)
            if messages and self._decoder.pending:
                self._decoder.feed(b"")  # the next message may be over the limit already
        except RawSocketError as failure:
            self._items.append((failure, at, first))
        except Exception as error:  # of a framing of the scenario's own
            self._items.append((fault(error, "the framing's decoder"), at, first))
        self._begun = first

    def _add(self, messages: list[bytes], at: float, first: float) -> float:
        """Add messages, the first of which began at `first`; return when the next one begins."""
        pushes = self._pushes
        for message in messages:
            if pushes is None or not pushes.take(message, at):
                self._items.append((_server_error(message) if message in SERVER_ERRORS else message, at, first))
            first = at
        return first

    def end(self, failure: RawSocketError, at: float) -> None:
        """Add the failure that ended the stream, after the data received before it."""
        self._items.append((failure, at, at))

    def peek(self) -> tuple[bytes | RawSocketError, float, float]:
        """Return the oldest item and when its last and first byte arrived."""
        return self._items[self._next]

    def take(self) -> tuple[bytes | RawSocketError, float, float]:
        """Remove and return the oldest item."""
        item = self._items[self._next]
        self._next += 1
        if self._next == len(self._items):
            self._items.clear()
            self._next = 0
        return item

    def failure(self) -> RawSocketError | None:
        """Return the failure that ended the stream, if it has ended."""
        last = self._items[-1][0] if self._items else None
        return last if isinstance(last, RawSocketError) else None

    def unexpected(self) -> RawSocketError:
        """Return the failure of a connection that received something although no message was in flight."""
        if not self._items:
            return Wrong(f"unexpected data: {self.pending} bytes of a frame with no message in flight")
        item = self.peek()[0]
        if isinstance(item, RawSocketError):
            return item
        return Wrong(f"unexpected data with no message in flight: {shorten(item)}")


def _server_error(line: bytes) -> RawSocketError:
    return SERVER_ERRORS[line](line.decode())
