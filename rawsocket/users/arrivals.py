"""Smooth arrivals: Locust starts users in a batch once a second; here they are spread evenly over that second.

Strategy: each batch is spread over the time from the end of the last one to a little more than a second from now. This
corrects itself and doesn't depend on the rate; the count of users leads that of connections by up to SPREAD seconds.
There are never more connections than users. With `poisson` the times are random, as of independent people.

After each batch the existing objects are excluded from garbage collection (`gc.freeze`): a full collection takes 25 to
50 ms at 10,000 users and finds nothing, since all are in use. `begin_run` in attach.py thaws and collects.
"""

import functools
import gc
import random
import time
from collections.abc import Callable
from typing import Protocol

from gevent.hub import get_hub

from rawsocket.engine import schedule
from rawsocket.engine.schedule import SPREAD, Random


class Newcomer(Protocol):
    """A user that has not started yet."""

    def start(self, when: float) -> None:
        """Start at that time (of `time.perf_counter()`)."""


class Arrivals:
    """The arrivals of one process. `clock` and `soon` (calls a function when the batch is complete) are for tests.

    `spread`: seconds until the last user of a batch starts; tests that need no spread set it to 0.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.perf_counter,
        soon: Callable[[Callable[[], None]], object] | None = None,
        chance: Random = random.random,
    ) -> None:
        self.poisson = False
        self.spread = SPREAD
        self._clock = clock
        self._soon = soon or get_hub().loop.run_callback
        self._chance = chance
        self._batch: list[Newcomer] = []
        self._end = 0.0  # of the last spread
        self._phase = chance()  # so that several workers don't connect at the same moments

    def add(self, newcomer: Newcomer) -> None:
        """Add it to the batch, which is spread after this callback of the hub."""
        self._batch.append(newcomer)
        if len(self._batch) == 1:
            self._soon(self._spread)

    def _spread(self) -> None:
        batch, self._batch = self._batch, []
        now = self._clock()
        # The first batch of a ramp is delayed by SPREAD - 1 s, so that its rate equals that of later batches.
        first = now - self._end > self.spread
        begin, end = max(now, now + self.spread - 1 if first else self._end), now + self.spread
        if begin >= end:
            begin = now
        chance = self._chance if self.poisson else None
        for newcomer, moment in zip(batch, schedule.arrivals(len(batch), begin, end, chance, self._phase), strict=True):
            newcomer.start(moment)
        self._end = end
        gc.freeze()


@functools.cache
def arrivals() -> Arrivals:
    """Return the process's own arrivals."""
    return Arrivals()
