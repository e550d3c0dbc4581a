"""A slow client: sends and reads only so many bytes a second, in even steps.

The steps are 0.1 s apart, or if that is less than a byte, as far apart as one byte takes.
"""

import time
from collections.abc import Callable
from typing import Protocol

from rawsocket.engine.reactor import Reactor

STEP_S = 0.1


class Throttled(Protocol):
    """A connection's exchange, as far as a flow uses it."""

    @property
    def reactor(self) -> Reactor:
        """Where the timer is."""

    @property
    def is_current(self) -> bool:
        """Whether the connection still has this exchange."""


class Flow:
    """One direction: calls `pass_on(limit)` with the bytes that may pass now; `rate`: bytes a second."""

    __slots__ = ("_exchange", "_limit", "_pass_on", "_step", "key")

    def __init__(self, exchange: Throttled, rate: float, pass_on: Callable[[int], None]) -> None:
        self._exchange = exchange
        self._pass_on = pass_on
        self._step = max(STEP_S, 1 / rate)
        self._limit = max(1, round(rate * self._step))
        self.key = 0  # the reactor's
        self._again()

    def on_time(self) -> None:
        """Let the next bytes pass."""
        if self._exchange.is_current:
            self._again()
            self._pass_on(self._limit)

    def stop(self) -> None:
        """Let nothing pass any more."""
        self._exchange.reactor.forget(self)

    def _again(self) -> None:
        self._exchange.reactor.at(time.perf_counter() + self._step, self)
