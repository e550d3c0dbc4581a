"""The accounts of connections: how each connect attempt ended, and what became of the connection's messages.

All connections of one configuration share an `Accounting`; the state of one connection is kept in the connection.
Rules:

- A connect attempt is recorded when the connection has *settled*: at the first reply, after SETTLES_AFTER of silence,
  when the client closes it, or when it is lost for any reason other than the line `ERR server full` or an error of TLS
  (with TLS 1.3 a client learns by its first read that its certificate is refused). If one of these comes first, the
  attempt is a failure `server-full` or `tls`. The time of the event is always that of the TCP connect.
- A connection is *held* once it has settled, so a connection that a full server refuses is never held.
- A TLS handshake has a row of its own. If it fails, the connect is a success in its row, and the attempt has failed.
- A failure ends its connection and is recorded once: in the rows of the messages in flight, or if there are none, in
  the row `drop`.
- A message that is in flight when the client closes the connection is unanswered, not failed.
"""

import itertools
import logging
import os
import time
from collections.abc import Sequence
from typing import Any, Protocol

from rawsocket.errors import WRONG_REPLIES, RawSocketError, ScenarioFault, ServerFull, TlsFailed
from rawsocket.measurement.recorder import Recorder
from rawsocket.measurement.stats_rows import CONNECT, DROP, PUSH, RECONNECT, TLS, Rows, Times

SETTLES_AFTER = 0.25  # seconds of silence; a refusal comes within a round trip and an iteration of the server's loop
NOT_RESOLVED_YET = "not resolved yet"  # ends the detail of a connect before its name is known
CLIENT = "client"  # why a message has no reply if the client itself closed the connection
# What is known of a connection, as bits of its `flags`. They share a slot: each takes 8 bytes of every connection.
RETRY = 1  # it replaces a connection that was lost or could not be opened
SETTLED = 2  # the connect attempt is recorded
HEARD = 4  # something has been received
ANSWERED = 8  # a correct reply has arrived
PROVEN = SETTLED | HEARD | ANSWERED  # no flag but RETRY is lower, so all three are set if `flags >= PROVEN`
logger = logging.getLogger(__name__)

# A connection's id is unique in its process; 24 random bits above the count tell it from other processes'.
_ids = itertools.count(int.from_bytes(os.urandom(3), "big") << 24)


class Listener(Protocol):
    """Receives every event."""

    def event(self, owner: Any, row: str, seconds: float | None, length: int, failure: RawSocketError | None) -> None:
        """Handle an event: `seconds` since it was due (None: no time), `length` bytes of reply. Must not block."""


class Events(Protocol):
    """Has the current listener."""

    @property
    def listener(self) -> Listener | None:
        """The current listener, if there is one."""


class Accounted(Protocol):
    """The part of a connection that is accounted for. Times are of `time.perf_counter()`."""

    owner: Any
    flags: int
    connected_at: float
    connect_seconds: float
    connection_id: int


class Accounting:
    """Counts what happens to connections."""

    __slots__ = ("_events", "recorder", "rows")

    def __init__(self, recorder: Recorder, rows: Rows, events: Events) -> None:
        self.recorder = recorder
        self.rows = rows
        self._events = events

    def opened(self, connection: Accounted, started: float, now: float, handshake_at: float = 0.0) -> None:
        """Record that the connect that began at `started` has succeeded; `handshake_at`: when TLS began, 0: none."""
        connection.connected_at = now
        connection.connect_seconds = (handshake_at or now) - started
        if handshake_at:
            self.secured(connection, now - handshake_at)
        connection.connection_id = next(_ids)
        if not connection.flags & RETRY:
            self.recorder.arrived(now)

    def not_opened(self, connection: Accounted, seconds: float, failure: RawSocketError) -> None:
        """Record that the connect failed after `seconds`."""
        self.recorder.attempt_failed(failure.name)
        if not failure.detail.endswith(NOT_RESOLVED_YET):  # what follows says more
            self.recorder.example(failure.name, failure.detail)
        self._connect_event(connection, seconds, failure)

    def secured(self, connection: Accounted, seconds: float) -> None:
        """Record that a TLS handshake has succeeded after `seconds`."""
        self._event(connection, TLS, (seconds, seconds, seconds), 0, None)

    def not_secured(self, connection: Accounted, started: float, handshake_at: float, failure: RawSocketError) -> None:
        """Record that TCP's connect succeeded, and the TLS handshake that began at `handshake_at` failed."""
        self.recorder.attempt_failed(failure.name)
        self._connect_event(connection, handshake_at - started, None)
        seconds = time.perf_counter() - handshake_at
        self._event(connection, TLS, (seconds, seconds, seconds), 0, failure)
        self.recorder.example(failure.name, failure.detail)

    def settle(self, connection: Accounted) -> None:
        """Record, once, that the connection has proved usable."""
        if not connection.flags & SETTLED:
            connection.flags |= SETTLED
            self.recorder.held += 1
            self.recorder.settled(bool(connection.flags & RETRY))
            self._connect_event(connection, connection.connect_seconds, None)
            connection.connect_seconds = 0.0

    def answer(self, connection: Accounted, name: str, times: Times, length: int) -> None:
        """Record the correct reply to a message in flight."""
        self.recorder.answered += 1
        self._good(connection, name, times, length)

    def sent_one_way(self, owner: Any, name: str, length: int) -> None:
        """Record that the kernel has taken a one-way message of `length` bytes."""
        self.recorder.oneway += 1
        self.rows[name].add_count(length)
        self._tell(owner, name, None, length, None)

    def push(self, connection: Accounted, length: int) -> None:
        """Record that an unsolicited message has arrived."""
        self.settle(connection)
        self.recorder.pushed += 1
        self.rows[PUSH].add_count(length)
        self._tell(connection.owner, PUSH, None, length, None)

    def waited(self, connection: Accounted, name: str, seconds: float, length: int) -> None:
        """Record that receive() waited so many seconds for an unsolicited message: a time that is not judged."""
        self.rows[name].add_wait(seconds, length)
        self._tell(connection.owner, name, seconds, length, None)

    def latency(self, connection: Accounted, name: str, seconds: float, length: int) -> None:
        """Record the latency of an unsolicited message, which has counted as a push, from the start that was given."""
        self.rows[name].count_again(length)
        self._event(connection, name, (seconds, seconds, seconds), length, None)

    def closed(self, connection: Accounted, in_flight: int, cut: bool) -> None:
        """Record that the client closed it; `cut`: the last message in flight was not completely sent."""
        self._note_unproven(connection)
        self.settle(connection)
        self.recorder.held -= 1
        self.recorder.lose(CLIENT, in_flight, cut)
        self.recorder.closed += 1

    def lost(
        self,
        connection: Accounted,
        failure: RawSocketError,
        in_flight: Sequence[tuple[str, Times]],
        receiving: tuple[str, Times] | None,
        cut: bool,
    ) -> None:
        """Record that it failed. `in_flight`: row and times of each message; `receiving`: those of a receive()."""
        if isinstance(failure, ScenarioFault):
            self.closed(connection, len(in_flight), cut)
            return
        self._note_unproven(connection)
        recorder = self.recorder
        wrong = failure.name in WRONG_REPLIES
        if wrong and recorder.example(failure.name, failure.detail):
            logger.warning("the first reply of this run that was %s: %s", failure.name, failure.detail)
        if isinstance(failure, TlsFailed):
            recorder.example(failure.name, failure.detail)
        usable = self._settle_as(connection, failure)
        if usable:
            recorder.held -= 1
            recorder.drop(failure.name)
        came = bool(in_flight) and wrong
        recorder.wrong += came
        recorder.lose(failure.name, len(in_flight) - came, cut)
        for name, times in in_flight or ([receiving] if receiving and usable else []):
            self._event(connection, name, times, 0, failure)
        if usable and not in_flight and not receiving:
            self._event(connection, DROP, None, 0, failure)

    def _good(self, connection: Accounted, name: str, times: Times, length: int) -> None:
        if connection.flags < PROVEN:
            self.settle(connection)
            connection.flags |= ANSWERED
        self._event(connection, name, times, length, None)

    def _note_unproven(self, connection: Accounted) -> None:
        self.recorder.unproven += not connection.flags & HEARD

    def _settle_as(self, connection: Accounted, failure: RawSocketError) -> bool:
        """Record how the attempt ended, if not recorded yet; return False if this failure ended the attempt."""
        if connection.flags & SETTLED or not isinstance(failure, ServerFull | TlsFailed):
            self.settle(connection)
            return True
        connection.flags |= SETTLED
        self.recorder.attempt_failed(failure.name)
        self._connect_event(connection, connection.connect_seconds, failure)
        return False

    def _connect_event(self, connection: Accounted, seconds: float, failure: RawSocketError | None) -> None:
        row = RECONNECT if connection.flags & RETRY else CONNECT
        self._event(connection, row, (seconds, seconds, seconds), 0, failure)

    def _event(
        self, connection: Accounted, row: str, times: Times | None, length: int, failure: RawSocketError | None
    ) -> None:
        """Record an event and pass it to the listener, if any."""
        entry = self.rows[row]
        if failure is not None:
            self.recorder.fail(entry, failure.name)
        elif times is not None:
            entry.add(times, length)
        self._tell(connection.owner, row, None if times is None else times[0], length, failure)

    def _tell(self, owner: Any, row: str, seconds: float | None, length: int, failure: RawSocketError | None) -> None:
        listener = self._events.listener
        if listener is not None:
            listener.event(owner, row, seconds, length, failure)
