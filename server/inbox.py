"""What one peer sends, made into replies; what is unfinished is kept, and since when.

For the models that have no loop of the lab's own: what Connection does on its short and on its long way, in one call.
"""

from __future__ import annotations

from server import protocol
from server.service import Service

NEVER = float("inf")


class Inbox:
    """The input of one peer. `begun_at` is when the message that is unfinished began (monotonic seconds), or NEVER."""

    __slots__ = ("_decoder", "_service", "begun_at")

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decoder = service.new_decoder()
        self.begun_at = NEVER

    @property
    def begun(self) -> bool:
        """Whether a message is unfinished."""
        return self.begun_at != NEVER

    def take(self, data: bytes, now: float) -> tuple[int, bytes, bool]:
        """Return how many messages `data` completed, their replies, and whether all is well.

        If it is not, a message is longer than --max-message: take no more after that.
        """
        answered = None if self.begun else self._service.answer(data)
        if answered is not None:
            return *answered, True
        try:
            messages, fits = self._decoder.feed(data), True
        except protocol.TooLong as problem:
            messages, fits = problem.messages, False
        if not self._decoder.inbox:
            self.begun_at = NEVER
        elif messages or not self.begun:
            self.begun_at = now
        return len(messages), b"".join(map(self._service.reply, messages)), fits
