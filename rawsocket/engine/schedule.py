"""When things are due: slots on a fixed grid, arrivals spread over time, waits before a reconnect. Pure.

Times are seconds of one monotonic clock; `random` is a callable that gives a float from 0 up to 1. Due times are whole
milliseconds, which is what the reactor's timers are exact to: a due time between two of them would be
missed by half a millisecond on average, by the generator's own doing.
"""

import math
from collections.abc import Callable

Random = Callable[[], float]

BACKOFF = 0.5  # seconds: the upper bound of the first wait before a reconnect
BACKOFF_LIMIT = 30.0  # seconds: what the bound doubles up to
GROUPS = 50  # what many slots that have passed are told in: a stall's time to a fiftieth
STAYED = 5.0  # seconds that a connection must stay to be good without a reply

# Locust starts users once a second. A batch is spread over a little more than that, so that the next one finds the
# last few still to come and no gap opens when it is late.
SPREAD = 1.15


def millisecond(at: float) -> int:
    """The number of the whole millisecond at or after `at`; a microsecond is forgiven, for it may be rounding."""
    return math.ceil(at * 1000 - 0.001)


def on_grid(at: float) -> float:
    """The whole millisecond at or after `at`, in seconds."""
    return millisecond(at) / 1000


def first_slot(now: float, period: float, random: Random) -> float:
    """A grid's random start: within one period from now on."""
    return on_grid(now + random() * period)


def missed(slot: float, period: float, until: float) -> int:
    """How many slots, `slot` being the next, have passed at `until`."""
    return 0 if slot > until else math.floor((until - slot) / period) + 1


def overdue(slot: float, period: float, until: float) -> list[tuple[float, int]]:
    """For how long (seconds, at least) how many slots have passed, `slot` being the next; GROUPS pairs at most."""
    passed = missed(slot, period, until)
    each = -(-passed // GROUPS) or 1
    firsts = range(0, passed, each)
    lasts = [min(first + each, passed) - 1 for first in firsts]
    return [(until - slot - last * period, last - first + 1) for first, last in zip(firsts, lasts, strict=True)]


def arrivals(count: int, begin: float, end: float, random: Random | None, phase: float = 0.5) -> list[float]:
    """`count` moments between begin and end, rising: evenly apart, or where `random` is given, as a Poisson process.

    `phase` (0 to 1) is where in its own share of the time each even arrival stands. (Of a Poisson process it is known
    how many arrivals there are; their moments are then independent and uniform: Ross, Introduction to Probability
    Models, 5.3.5.)
    """
    span = end - begin
    if random is not None:
        return sorted(begin + span * random() for _ in range(count))
    return [min(end, begin + span * (number + phase) / count) for number in range(count)]  # rounding may exceed `end`


def backoff(failures: int, random: Random) -> float:
    """Seconds to wait before the next attempt after so many failures in a row: exponential, with full jitter.

    Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return random() * min(BACKOFF_LIMIT, BACKOFF * 2.0 ** min(failures, 16))
