"""What is looked at now and then rather than timed one by one: deadlines, connections that settle, times to be settled.

A timer for each message in flight would cost more than a look at all connections a few times a second: 10,000 of them
take half a millisecond.
"""

from collections import deque
from typing import Protocol

from rawsocket.engine.accounting import SETTLES_AFTER
from rawsocket.engine.reactor import Chore, Reactor
from rawsocket.measurement.recorder import Recorder

SETTLE_S = 0.05
ROWS_S = 0.1  # a whole second's times at once would block the hub for 10 to 20 ms
SWEEP_LEAST, SWEEP_MOST = 0.02, 0.5


class Settling(Protocol):
    """A connection that may settle by silence."""

    connection_id: int
    connected_at: float

    def settle(self) -> None:
        """It has been silent for long enough."""


class Sweeper:
    """Sweeps one reactor's connections into one recorder. Seconds everywhere."""

    def __init__(self, reactor: Reactor, recorder: Recorder) -> None:
        self.reactor = reactor
        self.recorder = recorder
        self._settling: deque[tuple[Settling, int]] = deque()
        self._every = SWEEP_MOST
        Chore(reactor, SETTLE_S, self._settle)
        Chore(reactor, ROWS_S, self._settle_rows)
        self._deadlines = Chore(reactor, self._every, self._sweep)

    def look_every(self, seconds: float) -> None:
        """Look at deadlines at least so often."""
        self._every = max(SWEEP_LEAST, min(self._every, seconds))
        self._deadlines.seconds = self._every

    def opened(self, connection: Settling) -> None:
        """Settle this connection after some silence."""
        self._settling.append((connection, connection.connection_id))

    def _settle(self, now: float) -> None:
        settling = self._settling
        while settling:
            connection, connection_id = settling[0]
            if connection.connection_id == connection_id:
                if connection.connected_at + SETTLES_AFTER > now:
                    return
                connection.settle()
            settling.popleft()

    def _settle_rows(self, now: float) -> None:
        for group in self.recorder.groups:
            for row in group.values():
                row.settle()

    def _sweep(self, now: float) -> None:
        for handler in self.reactor.handlers:
            if handler.deadline < now:
                handler.overdue(now)
