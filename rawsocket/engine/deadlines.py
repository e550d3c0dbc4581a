"""Periodic checks that replace one timer per connection: deadlines, silent new connections, gathered times.

A timer for each message in flight would cost more than a check of all connections a few times a second: 10,000 of them
take half a millisecond. The sweep runs every twentieth of the shortest timeout, but at least 20 ms and at most 500 ms
apart. So a deadline is noticed late by up to that interval.

Once a second the worker's report asks how long replies have been outstanding. Replies that may have arrived unread are
left out: a process that was stopped for a while has yet to read them.
"""

import math
import time
import weakref
from collections import deque
from typing import Any

from rawsocket.engine.accounting import SETTLES_AFTER
from rawsocket.engine.reactor import Periodic, Reactor
from rawsocket.measurement.recorder import Recorder

SETTLE_S = 0.05
GATHER_S = 0.1  # a whole second's times at once would block the hub for 10 to 20 ms
SWEEP_LEAST, SWEEP_MOST = 0.02, 0.5
SWEEPS = 20  # in the shortest timeout


class Deadlines:
    """Watches all connections of one reactor. Seconds everywhere."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self.recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()  # their gathered times go into histograms
        self._settling: deque[Any] = deque()
        self._settled_at = 0.0
        self._swept_at = self._swept_before = 0.0  # the last sweep, and the one before it
        self._every = SWEEP_MOST
        Periodic(reactor, SETTLE_S, self._settle)
        Periodic(reactor, GATHER_S, self._gather)
        self._sweeps = Periodic(reactor, self._every, self._sweep)

    def at_least(self, timeout: float) -> None:
        """Check often enough for a timeout of `timeout` seconds, from now on."""
        self._every = max(SWEEP_LEAST, min(self._every, timeout / SWEEPS))
        self._sweeps.seconds = self._every

    def settle_later(self, connection: Any) -> None:
        """Settle this connection after some silence."""
        self._settling.append(connection)

    def _settle(self, now: float) -> None:
        """Settle those that were due at the last call: what had arrived by then has been read since.

        A process that was stopped for a while would otherwise count a refusal as the loss of a held connection.
        """
        settling, before, self._settled_at = self._settling, self._settled_at - SETTLES_AFTER, now
        while settling and (not settling[0].is_open or settling[0].connected_at <= before):
            connection = settling.popleft()
            if connection.is_open:
                connection.config.accounting.settle(connection)

    def _gather(self, now: float) -> None:
        for recorder in self.recorders:
            recorder.gather()

    def outstanding(self, least: float) -> list[float]:
        """Return for how many seconds the oldest reply of each connection is outstanding, those of `least` or more.

        Only what was outstanding at the sweep before the last one: what had arrived by then has been read since.
        """
        now, latest = time.perf_counter(), self._swept_before - least
        waiting = [handler for handler in self._reactor.handlers if handler.deadline < math.inf]
        return [now - since for handler in waiting if (since := getattr(handler, "awaited_since", now)) <= latest]

    def _sweep(self, now: float) -> None:
        self._swept_before, self._swept_at = self._swept_at, now
        for handler in self._reactor.handlers:
            if handler.deadline < now:
                handler.overdue(now)
