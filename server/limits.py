"""Descriptors: how many this process may have, how many it needs itself, and so how many connections fit.

Strategy: everything fixed (listener, admin port, signals, spare, epoll, what was inherited) is open when the sum is
made, so it is counted rather than guessed; what comes and goes later is set aside by name. Rules:

- The soft limit is raised to the hard one by the process itself: compose needs no `ulimits`.
- The kernel hands out the lowest free number, so no descriptor's number exceeds how many are open. Keeping the total
  below select's wall keeps every number below it.
- A cap that was asked for and does not fit is a usage error that names the largest which does. A default that does not
  fit is lowered to it.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass

from server.settings import UsageError

#: One admin request at a time: its socket, and the file below /proc that /metrics reads meanwhile.
ADMIN_RESERVE = 2

#: A module imported late, a name looked up: descriptors that nobody planned. Small, because select has so few.
MARGIN = 4

#: Refused newcomers that can linger at once: at least so many, and up to so many where descriptors are plenty.
FEWEST_REFUSALS = 4
MOST_REFUSALS = 64


@dataclass(frozen=True)
class Room:
    """How many connections are held at once (`cap`), and how many refused newcomers may linger besides."""

    cap: int
    refusals: int


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open descriptors to the hard one; return the soft limit that holds now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        return soft  # Some sandboxes forbid it. What there is has to do; the cap is reckoned from it.
    return hard


def descriptor_limit() -> int:
    """Return how many descriptors this process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def open_descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd")) - 1  # The listing itself needs one.


def room(asked: int | None, default: int | None, limit: int, wall: int | None, in_use: int, model: str) -> Room:
    """Return the room for connections; raise `UsageError` where `asked` does not fit.

    `default` holds where nothing was asked (None: all that fits). `limit` is the process's own limit of descriptors,
    `wall` the first number that the model can't watch (None: no wall), `in_use` what is open already.
    """
    total = limit if wall is None else min(limit, wall)
    available = total - in_use - ADMIN_RESERVE - MARGIN
    largest = available - FEWEST_REFUSALS
    if largest < 1:
        raise UsageError(
            f"{_reason(limit, wall, model)}, and the server itself needs {total - largest}: {_remedy(wall)}"
        )
    if asked is not None and asked > largest:
        remedy = _remedy(wall if total == wall else None)
        raise UsageError(
            f"--max-connections {asked} does not fit: {_reason(limit, wall, model)}, of which {total - largest} are "
            f"for listener, admin, log and refusals; use {largest} or fewer, or {remedy}"
        )
    cap = asked or min(default or largest, largest)
    return Room(cap, min(MOST_REFUSALS, available - cap))


def _reason(limit: int, wall: int | None, model: str) -> str:
    if wall is not None and wall <= limit:
        return f"{model} can only watch descriptors below {wall}"
    return f"the process may open only {limit} descriptors (RLIMIT_NOFILE)"


def _remedy(wall: int | None) -> str:
    return "raise the hard limit (ulimit -Hn)" if wall is None else "--model epoll"
