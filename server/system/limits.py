"""Descriptors: how many this process may have, how many it needs itself, and so how many connections fit.

Strategy: everything fixed (listener, admin port, signals, spare, epoll, what was inherited) is open when the sum is
made, so it is counted rather than guessed; what comes and goes later is set aside by name. Rules:

- The soft limit is raised to the hard one by the process itself: compose needs no `ulimits`.
- The kernel hands out the lowest free number, so no descriptor's number exceeds how many are open. Keeping the total
  below select's wall keeps every number below it.
- A cap that was asked for and does not fit is a usage error that names the largest which does, and how many processes
  the one that was asked for takes. A default that does not fit is lowered to the largest.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.settings import MOST_PROCESSES, Settings, UsageError

if TYPE_CHECKING:
    from server.models.base import Model

#: One admin request at a time: its socket, and the file below /proc that /metrics reads meanwhile.
ADMIN_RESERVE = 2

#: A module imported late, a name looked up: descriptors that nobody planned. Small, because select has so few.
MARGIN = 4

#: Refused newcomers that can linger at once: at least so many, and up to so many where descriptors are plenty.
FEWEST_REFUSALS = 4
MOST_REFUSALS = 64


#: What one of several processes has open besides its connections: the standard streams, two for stop requests, the
#: channel that its newcomers come through, its lifeline, and one that its poller may need.
OWN = 8

#: What the parent of such processes has open for each: both ends of the channel, and its end of the lifeline.
FOR_EACH = 3

#: Newcomers that it may have in hand: those of one turn, and as many that it took back from a process.
IN_HAND = 128


@dataclass(frozen=True)
class Room:
    """How many connections are held at once (`cap`), and how many refused newcomers may linger besides.

    `processes` is how many processes share the connections, below the one that began; 0: that one serves alone.
    """

    cap: int
    refusals: int
    processes: int = 0

    @property
    def share(self) -> int:
        """Connections that each of the processes holds at most."""
        return -(-self.cap // (self.processes or 1))


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


def processes(settings: Settings, model: Model | type[Model]) -> int:
    """Return how many processes are to serve below the one that begins; 0: it serves alone.

    Raise `UsageError` where the model can't have as many as were asked for.
    """
    asked = settings.processes
    if model.preforks and asked in (None, 1):
        return _one_for_each(settings, model)
    if asked is None:
        return _needed(settings, model) if model.scales else 0
    if asked == 1:
        return 0
    if not model.scales:
        raise UsageError(
            f"--processes {asked}: several of {settings.model} can't share; choose --model select or epoll"
        )
    return asked


def _one_for_each(settings: Settings, model: Model | type[Model]) -> int:
    count = settings.max_connections or model.default_cap or 1
    if count > MOST_PROCESSES:
        raise UsageError(
            f"--max-connections {count} does not fit: {settings.model} has a process for each connection; use "
            f"{MOST_PROCESSES} or fewer, or --model threaded"
        )
    return count


def _needed(settings: Settings, model: Model | type[Model]) -> int:
    connections, each = settings.max_connections, usual_share(model)
    if connections is None or connections <= each:
        return 0
    count = _processes_for(connections, each)
    if count > MOST_PROCESSES:
        raise UsageError(
            f"--max-connections {connections} does not fit: it takes {count} processes of {settings.model}; use "
            f"{MOST_PROCESSES * each} or fewer"
        )
    return count


def _processes_for(connections: int, each: int) -> int:
    return -(-connections // each)


def usual_share(model: Model | type[Model]) -> int:
    """Return how many connections one of several processes holds, where nobody says how many."""
    largest = largest_share(descriptor_limit(), model.wall)
    return min(model.default_cap or largest, largest)


def largest_share(limit: int, wall: int | None) -> int:
    """Return how many connections one of several processes can hold."""
    return max(1, min(limit, wall or limit) - OWN - MARGIN)


def above_connections(share: int) -> int:
    """Return a descriptor number that one of several processes, which holds `share` connections, does not come to."""
    return min(share + OWN + MARGIN, descriptor_limit() - 1)


def shared_room(settings: Settings, model: Model | type[Model], count: int, limit: int, in_use: int) -> Room:
    """Return the room of `count` processes together; raise `UsageError` where that or `--max-connections` does not fit.

    `limit` is each process's own limit of descriptors, `in_use` what the parent has open already.
    """
    own = _parents(count, in_use)
    if own + FEWEST_REFUSALS > limit:
        raise UsageError(
            f"{count} processes do not fit: their parent needs {own + FEWEST_REFUSALS} descriptors, and "
            f"{_reason(limit, None, settings.model)}; use fewer, or {_remedy(own + FEWEST_REFUSALS, limit, None)}"
        )
    largest, asked = largest_share(limit, model.wall), settings.max_connections
    if asked is not None and asked > count * largest and not model.preforks:
        remedies = [f"use {count * largest} or fewer", *_several(asked, largest, limit, in_use)]
        raise UsageError(
            f"--max-connections {asked} does not fit {count} processes: {_reason(limit, model.wall, settings.model)}, "
            f"so each holds {largest} at most; {_either(remedies)}"
        )
    cap = asked or (count if model.preforks else count * usual_share(model))
    return Room(cap, min(MOST_REFUSALS, limit - own), count)


def room(
    asked: int | None,
    default: int | None,
    limit: int,
    wall: int | None,
    in_use: int,
    model: str,
    scales: bool = False,
) -> Room:
    """Return the room for connections; raise `UsageError` where `asked` does not fit.

    `default` holds where nothing was asked (None: all that fits). `limit` is the process's own limit of descriptors,
    `wall` the first number that the model can't watch (None: no wall), `in_use` what is open already, `scales` whether
    several processes could share them.
    """
    total = limit if wall is None else min(limit, wall)
    available = total - in_use - ADMIN_RESERVE - MARGIN
    largest = available - FEWEST_REFUSALS
    if largest < 1:
        raise UsageError(
            f"{_reason(limit, wall, model)}, and the server itself needs {total - largest}: "
            f"{_remedy(total - largest + 1, limit, wall)}"
        )
    if asked is not None and asked > largest:
        remedies = [f"use {largest} or fewer", _remedy(total - largest + asked, limit, wall)]
        if scales:
            remedies[1:1] = _several(asked, largest_share(limit, wall), limit, in_use)
        raise UsageError(
            f"--max-connections {asked} does not fit: {_reason(limit, wall, model)}, of which {total - largest} are "
            f"for listener, admin, log and refusals; {_either(remedies)}"
        )
    cap = asked or min(default or largest, largest)
    return Room(cap, min(MOST_REFUSALS, available - cap))


def _reason(limit: int, wall: int | None, model: str) -> str:
    if wall is not None and wall <= limit:
        return f"{model} can only watch descriptors below {wall}"
    return f"the process may open only {limit} descriptors (RLIMIT_NOFILE)"


def _remedy(needed: int, limit: int, wall: int | None) -> str:
    """Return what lets a process open `needed` descriptors, which are too many for the limit or the wall."""
    higher = "raise the hard limit (ulimit -Hn)"
    if wall is None or needed <= wall:
        return higher
    return "--model epoll" if needed < limit else f"{higher} and use --model epoll"  # It needs one itself.


def _several(connections: int, each: int, limit: int, in_use: int) -> list[str]:
    """Return what makes room for so many connections, if processes do."""
    count = max(2, _processes_for(connections, each))
    fits = count <= MOST_PROCESSES and _parents(count, in_use) + FEWEST_REFUSALS <= limit
    return [f"--processes {count}"] if fits else []


def _parents(count: int, in_use: int) -> int:
    """Return how many descriptors the parent of `count` processes needs."""
    return in_use + ADMIN_RESERVE + MARGIN + FOR_EACH * count + IN_HAND


def _either(remedies: list[str]) -> str:
    *others, last = remedies
    return ", ".join([*others, f"or {last}"]) if others else last
