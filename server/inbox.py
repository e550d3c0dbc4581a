"""The input of one connection, turned into replies; an unfinished message is kept, with the time of its first byte.

For the models that don't use the readiness loop: one call does what `readiness/connection.py` does in two paths.
"""

from __future__ import annotations

from server import protocol
from server.policy import NEVER


class Inbox:
    """One connection's input. `partial_since` is when the unfinished message began (monotonic seconds), or NEVER."""

    __slots__ = ("_decoder", "_wire", "partial_since")

    def __init__(self, wire: protocol.Wire) -> None:
        self._wire = wire
        self._decoder = wire.new_decoder()
        self.partial_since = NEVER

    @property
    def has_partial(self) -> bool:
        """Whether a message is unfinished."""
        return self.partial_since != NEVER

    def receive(self, data: bytes, now: float) -> tuple[int, bytes, bool]:
        """Return how many messages `data` completed, their replies, and whether all messages fit.

        If not, a message is longer than --max-message; then nothing more may be received.
        """
        answered = None if self.has_partial else self._wire.answer(data)
        if answered is not None:
            return *answered, True
        try:
            messages, fits = self._decoder.feed(data), True
        except protocol.TooLong as error:
            messages, fits = error.messages, False
        if not self._decoder.inbox:
            self.partial_since = NEVER
        elif messages or not self.has_partial:
            self.partial_since = now
        return len(messages), b"".join(map(self._wire.reply, messages)), fits
