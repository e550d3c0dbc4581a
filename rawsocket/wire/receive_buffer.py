"""The unread data of a connection: messages, and the failure that ended the stream. Pure.

Rules: messages keep the order in which they arrived, each with the times of the reads that brought its first byte and
its last one. The server's error lines are recognised in every framing, at the start of a frame. A failure (an error
line, a message over the framing's limit, the end of the stream) is always the last item.
"""

from rawsocket.errors import RawSocketError, ServerFull, TooLong, Wrong, fault
from rawsocket.wire.framing import Framing
from rawsocket.wire.payload import shorten

SERVER_ERRORS: dict[bytes, type[RawSocketError]] = {
    b"ERR server full": ServerFull,
    b"ERR message too long": Wrong,
    b"ERR message timeout": Wrong,
}


class ReceiveBuffer:
    """The received data of one connection. Times are seconds of one monotonic clock."""

    __slots__ = ("_begun", "_decoder", "_items")

    def __init__(self, framing: Framing) -> None:
        self._decoder = framing.decoder()
        self._items: list[tuple[bytes | RawSocketError, float, float]] = []
        self._begun = 0.0  # when the first byte of the unfinished frame arrived

    def __len__(self) -> int:
        return len(self._items)

    @property
    def pending(self) -> int:
        """Bytes of an unfinished frame."""
        return self._decoder.pending

    def feed(self, data: bytes, at: float, inside: bool) -> None:
        """Add the data of a read at that time; `inside` a reply without frames it can't be an error line."""
        decoder, items = self._decoder, self._items
        if data.startswith(b"ERR ") and not inside and not decoder.pending:
            line = data.partition(b"\n")[0]
            if line in SERVER_ERRORS:
                items.append((_server_error(line), at, at))
                return
        first = self._begun if decoder.pending else at
        try:
            messages = decoder.feed(data)
            for message in messages:
                items.append((_server_error(message) if message in SERVER_ERRORS else message, at, first))
                first = at
            if messages and decoder.pending:
                decoder.feed(b"")  # the next message may be over the limit already
        except TooLong as failure:
            items.append((failure, at, first))
        except Exception as error:  # of a framing of the scenario's own
            items.append((fault(error, "the framing's decoder"), at, first))
        self._begun = first

    def end(self, failure: RawSocketError, at: float) -> None:
        """Add the failure that ended the stream, after the data received before it."""
        self._items.append((failure, at, at))

    def take(self) -> tuple[bytes, float, float]:
        """Return the oldest message and when its last and first byte arrived; raise if a failure is next."""
        item, at, first = self._items.pop(0)
        if isinstance(item, RawSocketError):
            raise item
        return item, at, first

    def failure(self) -> RawSocketError | None:
        """Return the failure that ended the stream, if it has ended."""
        last = self._items[-1][0] if self._items else None
        return last if isinstance(last, RawSocketError) else None

    def unexpected(self) -> RawSocketError:
        """Return the failure of a connection that received something although no message was in flight."""
        if not self._items:
            return Wrong(f"unexpected data: {self.pending} bytes of a frame with no message in flight")
        item = self._items[0][0]
        if isinstance(item, RawSocketError):
            return item
        return Wrong(f"unexpected data with no message in flight: {shorten(item)}")


def _server_error(line: bytes) -> RawSocketError:
    return SERVER_ERRORS[line](line.decode())
