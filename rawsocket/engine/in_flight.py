"""What one user's connection on the reactor keeps: the message in flight, and what only some need, some of the time."""

import math
from collections import deque
from typing import Any, NamedTuple

from rawsocket.users.steps import Receive
from rawsocket.wire.payload import Expected
from rawsocket.wire.replies import Inbox

READ_SIZE = 16_384  # bytes of one read
LATE_AFTER = 0.01  # seconds after which a message that was due counts as late; below that, it is the generator's noise
GRACE = 0.05  # seconds that the rest of an unexpected frame may take; it may be an error line cut in two
MAX_KEPT = 10_000  # messages that may wait for a Receive
NEVER = math.inf
WAITING: Any = object()  # what a step gives that can't be done at once

# What the session waits for. WAIT and DUE: a timer. ROOM: fewer messages in flight, or an empty buffer. LAST: the reply
# to the last message in flight. ONLY: to the only one, which stands in `_flight`.
WAIT, DUE, CONNECT, ONLY, LAST, ROOM, RECEIVE = range(7)


class Flight(NamedTuple):
    """A message without its reply. Times of `time.perf_counter()`; `frame` is what must be read, if that is known."""

    name: str
    due: float
    sent: float
    frame: bytes | None
    expect: Expected
    keep: bool = False  # whether the reply is for a Receive


class Extra:
    """What only some connections need, some of the time."""

    __slots__ = ("first", "flights", "gathered", "inbox", "kept", "receiving", "rest", "rest_since", "room", "stopping")

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.gathered = b""  # of a reply in chunk framing
        self.first = 0.0  # when the first of that came
        self.flights: deque[Flight] = deque()
        self.kept: deque[bytes] = deque()
        self.rest: memoryview | None = None  # what a full buffer left over, since `rest_since`
        self.rest_since = 0.0
        self.room = 1  # ROOM waits for fewer messages in flight than this
        self.receiving: tuple[Receive, float] | None = None
        self.stopping = False  # whether the user is to end with the replies that are owed to it

    def idle(self) -> bool:
        """Whether nothing is in it."""
        return not (
            self.flights or self.kept or self.inbox or self.inbox.pending or self.gathered or self.stopping
        ) and (self.rest is None and self.receiving is None)
