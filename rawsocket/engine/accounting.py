"""The accounts of one user's connections, one at a time: how each attempt ended, what became of its messages.

Both kinds of users keep them, the greenlet's client and the reactor's life. Rules:

- A connect attempt is recorded when the connection has *settled*: at the first reply, after
  SETTLES_AFTER of watched silence, at the client's own close, or when it is lost in another way than
  by `ERR server full`; that line, when it comes before anything else, makes the attempt a failure
  `server-full`. The event's time is always that of the TCP connect.
- A failure ends its connection and is recorded once: with messages in flight it stands in their rows, with none in
  the row `drop`.
- A message in flight when the client itself closes is unanswered, not failed.
"""

import itertools
import logging
import os
from collections.abc import Sequence

from rawsocket.errors import WRONG_REPLIES, RawSocketError, ServerFull
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.rows import CONNECT, DROP, RECONNECT, Times

SETTLES_AFTER = 0.25  # seconds of silence; a refusal comes within a round trip and a turn of the server's loop
CLIENT = "client"  # why a message has no reply where the client itself ended the connection
logger = logging.getLogger(__name__)

# A connection's id is unique in its process; 24 random bits above the count tell it from other processes'.
_ids = itertools.count(int.from_bytes(os.urandom(3), "big") << 24)


class Books:
    """What is known of the connection that is open, or was last. Times are of `time.perf_counter()`."""

    __slots__ = (
        "answered",
        "connect_seconds",
        "connected_at",
        "connection_id",
        "heard",
        "message_no",
        "reconnect",
        "settled",
    )

    def __init__(self) -> None:
        self.answered = False  # whether this connection has brought a right reply
        self.heard = False  # whether anything has come on it
        self.settled = True
        self.reconnect = False
        self.connected_at = 0.0
        self.connect_seconds = 0.0
        self.connection_id = 0
        self.message_no = 0  # messages sent on this connection

    @property
    def recorder(self) -> Recorder:
        """Where all this is counted."""
        raise NotImplementedError

    def tell(self, row: str, times: Times | None, length: int, failure: RawSocketError | None) -> None:
        """Record an event and make it known: seconds (from due, from sent, to the first byte), None if it has none."""
        raise NotImplementedError

    def opened(self, started: float, now: float) -> None:
        """The TCP connection that was begun at `started` is there."""
        self.connected_at = now
        self.connect_seconds = now - started
        self.connection_id = next(_ids)
        self.message_no = 0
        self.settled = self.answered = self.heard = False
        self.recorder.held += 1
        if not self.reconnect:
            self.recorder.arrived(now)

    def never_opened(self, started: float, now: float, failure: RawSocketError) -> None:
        """The attempt that was begun at `started` has failed."""
        seconds = now - started
        self.recorder.attempt_failed(failure.name)
        self.tell(RECONNECT if self.reconnect else CONNECT, (seconds, seconds, seconds), 0, failure)

    def settle(self) -> None:
        """The connection has proved usable, if it wasn't known before."""
        if not self.settled:
            self.settled = True
            self.recorder.settled(self.reconnect)
            self._tell_connect(None)

    def ended(self) -> None:
        """The socket was closed, by whomever."""
        recorder = self.recorder
        recorder.held -= 1
        recorder.unproven += not self.heard

    def closed(self, in_flight: int, cut: bool) -> None:
        """The client itself has closed it; `cut`: the last message in flight was not wholly sent."""
        self.settle()
        self.recorder.lose(CLIENT, in_flight, cut)
        self.recorder.closed += 1

    def lost(
        self,
        failure: RawSocketError,
        in_flight: Sequence[tuple[str, Times]],
        waiting: tuple[str, Times] | None,
        cut: bool,
    ) -> None:
        """It had to be given up.

        `in_flight`: row and times of each message; `waiting`: of a wait for what no message has asked for.
        """
        recorder = self.recorder
        if failure.name in WRONG_REPLIES and recorder.example(failure.name, failure.detail):
            logger.warning("the first reply of this run that was %s: %s", failure.name, failure.detail)
        usable = self._settle_as(failure)
        if usable:
            recorder.drop(failure.name)
        came = bool(in_flight) and failure.name in WRONG_REPLIES
        recorder.wrong += came
        recorder.lose(failure.name, len(in_flight) - came, cut)
        for name, times in in_flight or ([waiting] if waiting and usable else []):
            self.tell(name, times, 0, failure)
        if usable and not in_flight and not waiting:
            self.tell(DROP, None, 0, failure)

    def _settle_as(self, failure: RawSocketError) -> bool:
        """Record how the attempt ended, if it hasn't yet; False if this failure is what ended it."""
        if self.settled or not isinstance(failure, ServerFull):
            self.settle()
            return True
        self.settled = True
        self.recorder.attempt_failed(failure.name)
        self._tell_connect(failure)
        return False

    def _tell_connect(self, failure: RawSocketError | None) -> None:
        seconds = self.connect_seconds
        self.tell(RECONNECT if self.reconnect else CONNECT, (seconds, seconds, seconds), 0, failure)
