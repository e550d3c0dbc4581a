"""Descriptor limits: how many descriptors the process may open, how many it needs itself, so how many connections fit.

Strategy: everything fixed (listener, admin port, signals, spare, epoll, inherited ones) is already open when the sum is
made, so it is counted, not guessed. What opens and closes later is reserved by name. Rules:

- The process raises its own soft limit to the hard one: compose needs no `ulimits`.
- The kernel assigns the lowest free number, so no descriptor's number exceeds how many are open. Keeping the total
  below FD_SETSIZE keeps every number below it.
- A requested cap that does not fit is a usage error. It names the largest cap that fits, and how many processes the
  requested one takes. A default that does not fit is lowered to the largest that does.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from typing import Protocol

from server.settings import MAX_PROCESSES, Settings, UsageError

#: One admin request at a time: its socket, and the file below /proc that /metrics reads meanwhile.
ADMIN_RESERVE = 2

#: For a late import, a name lookup: descriptors that nothing else plans for. Small, because select has so few.
MARGIN = 4

#: Refused connections that may linger at once: at least MIN, and up to MAX where descriptors allow.
MIN_REFUSALS = 4
MAX_REFUSALS = 256

#: What one of several processes has open besides its connections: the standard streams, two for stop requests, the
#: channel that connections come through, its death pipe, and one for its poller.
OWN_DESCRIPTORS = 8

#: What the parent has open for each process: both ends of the channel, and its end of the death pipe.
DESCRIPTORS_PER_PROCESS = 3

#: New connections that the parent may hold: those of one turn, and as many that it took back from a process.
DESCRIPTORS_IN_TRANSIT = 128


class ModelLimits(Protocol):
    """The attributes of a model that bound its connections (see `server/models/base.py`)."""

    @property
    def default_cap(self) -> int | None:
        """Connections held at once by default; None: as many as fit."""
        ...

    @property
    def fd_setsize(self) -> int | None:
        """The first descriptor number that the model can't watch; None: no limit."""
        ...

    @property
    def multi_process(self) -> bool:
        """Whether several processes can share the connections."""
        ...

    @property
    def preforks(self) -> bool:
        """Whether each connection has a process of its own."""
        ...


@dataclass(frozen=True)
class Capacity:
    """How many connections are held at once (`cap`), and how many refused ones may linger besides.

    `processes` is how many child processes share the connections; 0: a single process serves all of them.
    """

    cap: int
    refusals: int
    processes: int = 0

    @property
    def share(self) -> int:
        """The most connections that each process holds."""
        return -(-self.cap // (self.processes or 1))


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open descriptors to the hard one; return the resulting soft limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        return soft  # Some sandboxes forbid it. The cap is computed from the soft limit then.
    return hard


def rlimit_nofile() -> int:
    """Return how many descriptors this process may have open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def open_descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd")) - 1  # The listing itself uses one.


def process_count(settings: Settings, model: ModelLimits) -> int:
    """Return how many child processes serve; 0: this process serves alone.

    Raise `UsageError` if the model can't have as many as requested.
    """
    requested = settings.processes
    if model.preforks and requested in (None, 1):
        return _one_per_connection(settings, model)
    if requested is None:
        return _needed(settings, model) if model.multi_process else 0
    if requested == 1:
        return 0
    if not model.multi_process:
        raise UsageError(
            f"--processes {requested}: processes of {settings.model} can't share connections; choose --model select "
            "or epoll"
        )
    return requested


def _one_per_connection(settings: Settings, model: ModelLimits) -> int:
    count = settings.max_connections or model.default_cap or 1
    if count > MAX_PROCESSES:
        raise UsageError(
            f"--max-connections {count} does not fit: {settings.model} uses a process for each connection; use "
            f"{MAX_PROCESSES} or fewer, or --model threaded"
        )
    return count


def _needed(settings: Settings, model: ModelLimits) -> int:
    connections, each = settings.max_connections, default_share(model)
    if connections is None or connections <= each:
        return 0
    count = _processes_for(connections, each)
    if count > MAX_PROCESSES:
        raise UsageError(
            f"--max-connections {connections} does not fit: it takes {count} processes of {settings.model}; use "
            f"{MAX_PROCESSES * each} or fewer"
        )
    return count


def _processes_for(connections: int, each: int) -> int:
    return -(-connections // each)


def default_share(model: ModelLimits) -> int:
    """Return how many connections one of several processes holds by default."""
    largest = max_share(rlimit_nofile(), model.fd_setsize)
    return min(model.default_cap or largest, largest)


def max_share(limit: int, fd_setsize: int | None) -> int:
    """Return how many connections one of several processes can hold."""
    return max(1, min(limit, fd_setsize or limit) - OWN_DESCRIPTORS - MARGIN)


def descriptor_above_connections(share: int) -> int:
    """Return a descriptor number above all that a process with `share` connections uses."""
    return min(share + OWN_DESCRIPTORS + MARGIN, rlimit_nofile() - 1)


def multi_process_capacity(settings: Settings, model: ModelLimits, count: int, limit: int, in_use: int) -> Capacity:
    """Return the capacity of `count` processes together; raise `UsageError` if they or `--max-connections` don't fit.

    `limit` is each process's own descriptor limit, `in_use` is what the parent has open already.
    """
    own = _needed_by_parent(count, in_use)
    if own + MIN_REFUSALS > limit:
        raise UsageError(
            f"{count} processes do not fit: their parent needs {own + MIN_REFUSALS} descriptors, and "
            f"{_reason(limit, None, settings.model)}; use fewer, or {_remedy(own + MIN_REFUSALS, limit, None)}"
        )
    largest, requested = max_share(limit, model.fd_setsize), settings.max_connections
    if requested is not None and requested > count * largest and not model.preforks:
        remedies = [f"use {count * largest} or fewer", *_more_processes(requested, largest, limit, in_use)]
        raise UsageError(
            f"--max-connections {requested} does not fit {count} processes: "
            f"{_reason(limit, model.fd_setsize, settings.model)}, so each holds {largest} at most; {_join_or(remedies)}"
        )
    cap = requested or (count if model.preforks else count * default_share(model))
    return Capacity(cap, min(MAX_REFUSALS, limit - own), count)


def single_process_capacity(
    requested: int | None,
    default: int | None,
    limit: int,
    fd_setsize: int | None,
    in_use: int,
    model: str,
    multi_process: bool = False,
) -> Capacity:
    """Return the capacity of one process; raise `UsageError` if `requested` does not fit.

    `default` holds if nothing was requested (None: all that fit). `limit` is the process's descriptor limit,
    `fd_setsize` the first number that the model can't watch (None: no limit), `in_use` what is open already,
    `multi_process` whether several processes could share the connections.
    """
    total = limit if fd_setsize is None else min(limit, fd_setsize)
    available = total - in_use - ADMIN_RESERVE - MARGIN
    largest = available - MIN_REFUSALS
    if largest < 1:
        raise UsageError(
            f"{_reason(limit, fd_setsize, model)}, and the server itself needs {total - largest}: "
            f"{_remedy(total - largest + 1, limit, fd_setsize)}"
        )
    if requested is not None and requested > largest:
        remedies = [f"use {largest} or fewer", _remedy(total - largest + requested, limit, fd_setsize)]
        if multi_process:
            remedies[1:1] = _more_processes(requested, max_share(limit, fd_setsize), limit, in_use)
        raise UsageError(
            f"--max-connections {requested} does not fit: {_reason(limit, fd_setsize, model)}, of which "
            f"{total - largest} are for listener, admin, log and refusals; {_join_or(remedies)}"
        )
    cap = requested or min(default or largest, largest)
    return Capacity(cap, min(MAX_REFUSALS, available - cap))


def _reason(limit: int, fd_setsize: int | None, model: str) -> str:
    if fd_setsize is not None and fd_setsize <= limit:
        return f"{model} can only watch descriptors below {fd_setsize}"
    return f"the process may open only {limit} descriptors (RLIMIT_NOFILE)"


def _remedy(needed: int, limit: int, fd_setsize: int | None) -> str:
    """Return what lets a process open `needed` descriptors, which exceed the limit or FD_SETSIZE."""
    higher = "raise the hard limit (ulimit -Hn)"
    if fd_setsize is None or needed <= fd_setsize:
        return higher
    return "--model epoll" if needed < limit else f"{higher} and use --model epoll"  # epoll needs one itself.


def _more_processes(connections: int, each: int, limit: int, in_use: int) -> list[str]:
    """Return the number of processes that fits so many connections, if one does."""
    count = max(2, _processes_for(connections, each))
    fits = count <= MAX_PROCESSES and _needed_by_parent(count, in_use) + MIN_REFUSALS <= limit
    return [f"--processes {count}"] if fits else []


def _needed_by_parent(count: int, in_use: int) -> int:
    """Return how many descriptors the parent of `count` processes needs."""
    return in_use + ADMIN_RESERVE + MARGIN + DESCRIPTORS_PER_PROCESS * count + DESCRIPTORS_IN_TRANSIT


def _join_or(remedies: list[str]) -> str:
    *others, last = remedies
    return ", ".join([*others, f"or {last}"]) if others else last
