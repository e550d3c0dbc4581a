"""What the kernel has not taken yet, in order, and the one-way messages in it. Pure but for the socket's `send`."""

from typing import Protocol

from rawsocket.engine.exchange.in_flight import InFlight


class Sink(Protocol):
    """Takes bytes."""

    def send(self, data: memoryview, /) -> int:
        """Return how many it took. Raises BlockingIOError if it takes none now, OSError if it never will."""


class Outgoing:
    """Bytes that wait for the kernel; `since`: from when on (seconds of one monotonic clock).

    Of a client that sends slowly on purpose, only the time since its last bytes counts.
    """

    __slots__ = ("_parts", "since")

    def __init__(self) -> None:
        # Each is a part of the stream, and the one-way message that is sent when it is.
        self._parts: list[tuple[memoryview, InFlight | None]] = []
        self.since = 0.0

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return sum(len(part) for part, _ in self._parts)

    @property
    def one_way(self) -> list[InFlight]:
        """One-way messages that are not completely sent."""
        return [message for _, message in self._parts if message is not None]

    def add(self, data: bytes | memoryview, now: float, one_way: InFlight | None = None) -> None:
        """Add data behind what waits already."""
        if not self._parts:
            self.since = now
        self._parts.append((memoryview(data), one_way))

    def flush(self, sink: Sink, now: float, limit: int | None = None) -> tuple[int, list[InFlight]]:
        """Send what the kernel takes, at most `limit` bytes; return how many it took and the one-way messages in them.

        Raises OSError.
        """
        total, done = 0, []
        while self._parts and (limit is None or total < limit):
            part, one_way = self._parts[0]
            try:
                sent = sink.send(part if limit is None else part[: limit - total])
            except BlockingIOError:
                break
            total += sent
            if limit is not None:
                self.since = now
            if sent < len(part):
                self._parts[0] = part[sent:], one_way
                continue
            del self._parts[0]
            if one_way is not None:
                done.append(one_way)
        return total, done
