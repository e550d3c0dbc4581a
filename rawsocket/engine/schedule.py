"""When things are due: slots on a fixed grid, arrivals spread over time. Pure.

Times are seconds of one monotonic clock; `random` is a callable that returns a float from 0 up to 1. Due times are
whole milliseconds, the precision of the reactor's timers: with finer due times the generator itself would send half a
millisecond late on average.
"""

import math
from collections.abc import Callable

Random = Callable[[], float]

GROUPS = 50  # missed slots are reported in at most 50 groups, so the time of a stall is exact to a fiftieth

# Locust starts users once a second. A batch is spread over a little more than that: the last few of a batch are still
# pending when the next one starts, so no gap opens when the next one is late.
SPREAD = 1.15


def millisecond(at: float) -> int:
    """Return the first whole millisecond at or after `at`; an excess of up to 1 us is ignored (float rounding)."""
    return math.ceil(at * 1000 - 0.001)


def on_grid(at: float) -> float:
    """Return the whole millisecond at or after `at`, in seconds."""
    return millisecond(at) / 1000


def first_slot(now: float, period: float, random: Random) -> float:
    """Return the random start of a grid: within one period from now."""
    return on_grid(now + random() * period)


def missed(slot: float, period: float, until: float) -> int:
    """Return how many slots have passed at `until`; `slot` is the first of them."""
    return 0 if slot > until else math.floor((until - slot) / period) + 1


def overdue(slot: float, period: float, until: float) -> list[tuple[float, int]]:
    """Return missed slots as pairs (age in seconds at least, count), at most GROUPS; `slot` is the first of them."""
    passed = missed(slot, period, until)
    each = -(-passed // GROUPS) or 1
    firsts = range(0, passed, each)
    lasts = [min(first + each, passed) - 1 for first in firsts]
    return [(until - slot - last * period, last - first + 1) for first, last in zip(firsts, lasts, strict=True)]


def arrivals(count: int, begin: float, end: float, random: Random | None, phase: float = 0.5) -> list[float]:
    """Return `count` rising times between begin and end: evenly spaced, or if `random` is given, as a Poisson process.

    `phase` (0 to 1) is the position of an even arrival inside its interval. (Given the number of arrivals of a Poisson
    process, their times are independent and uniform: Ross, Introduction to Probability Models, 5.3.5.)
    """
    span = end - begin
    if random is not None:
        return sorted(begin + span * random() for _ in range(count))
    return [min(end, begin + span * (number + phase) / count) for number in range(count)]  # rounding may exceed `end`
