"""Smooth arrivals: users that Locust starts all at once, once a second, begin evenly spread over that second.

Strategy: each batch is spread over the time from the end of the last one to a little more than a second from now. That
corrects itself and needs to know no rate; the count of users leads that of connections by up to SPREAD seconds. It can
never bring more connections than there are users. With `poisson` the moments are random, as of independent people.

After each batch the garbage collector is told to leave what is there alone: a full collection takes 25 to 50 ms at
10,000 users, and finds nothing, since they are all alive. `begin_run` in attach.py thaws and collects.
"""

import gc
import random
import time
from collections.abc import Callable
from typing import Protocol

from gevent.hub import get_hub

from rawsocket.engine.schedule import SPREAD, Random, arrivals


class Newcomer(Protocol):
    """A user that has not begun yet."""

    def start(self, when: float) -> None:
        """Begin at that time (of `time.perf_counter()`)."""


class Arrivals:
    """One process's; `clock` and `soon` (calls a function when the current batch is complete) are for tests."""

    def __init__(
        self,
        clock: Callable[[], float] = time.perf_counter,
        soon: Callable[[Callable[[], None]], object] | None = None,
        chance: Random = random.random,
    ) -> None:
        self.poisson = False
        self._clock = clock
        self._soon = soon or get_hub().loop.run_callback
        self._chance = chance
        self._batch: list[Newcomer] = []
        self._end = 0.0  # of the last spread
        self._phase = chance()  # so that several workers don't connect at the same moments

    def add(self, newcomer: Newcomer) -> None:
        """Let it begin in its turn, after this callback of the hub."""
        self._batch.append(newcomer)
        if len(self._batch) == 1:
            self._soon(self._spread)

    def _spread(self) -> None:
        batch, self._batch = self._batch, []
        now = self._clock()
        # The first batch of a ramp waits for what the spread has over a second, so that its rate is the others'.
        first = now - self._end > SPREAD
        begin, end = now + SPREAD - 1 if first else max(now, self._end), now + SPREAD
        if begin >= end:
            begin = now
        chance = self._chance if self.poisson else None
        for newcomer, moment in zip(batch, arrivals(len(batch), begin, end, chance, self._phase), strict=True):
            newcomer.start(moment)
        self._end = end
        gc.freeze()
