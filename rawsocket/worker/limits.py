"""How many users a worker can carry: descriptors, source ports, memory. Reading the limits is separate from checking.

Rules:

- A user has `connections_per_user` connections (1 unless its class says otherwise): a descriptor and a source port
  towards the target each (a worker has a set of ports for each of its source addresses), and the memory that its class
  states.
- Workers that share a network namespace share its source ports; workers that share a memory limit (or a
  machine without one) share that memory. In containers each has its own; as local processes they share
  both, and then more workers on the same machine don't help. The message says so.
- A run that doesn't fit is refused before it starts, with the limit's name and a sufficient number of workers.
"""

import math
import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rawsocket.measurement.report import Limits
from rawsocket.worker.cgroups import folders, text

# Descriptors that a worker needs for itself: ZeroMQ's sockets and event descriptors, epoll, the log. 12 were open in an
# idle worker and 3,012 in one that held 3,000 connections; the rest is for reconnects and for what a scenario opens.
RESERVED_DESCRIPTORS = 64
# Source: 11 KB of user memory per RawSocketUser (3,000 holding, one worker, Locust 2.47, Python 3.11), 4 KB of kernel
# memory per socket; the rest is for statistics, a scenario's own objects and messages larger than the default.
KB_PER_USER = 24
# What TLS adds for each connection, nearly all of it in OpenSSL (measured with one message a connection).
KB_OF_TLS = 36
KERNEL_MEMORY_UNLIMITED = 1 << 60  # cgroup v1 writes a number near 2**63 for 'no limit'


def raise_descriptors() -> int:
    """Raise the soft descriptor limit to the hard one; return the limit now in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def read(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup"), sources: int = 0) -> Limits:
    """Read this process's own limits; one that can't be read counts as no limit. `sources`: addresses that it binds."""
    memory_kb, memory = _memory(proc, cgroup)
    return Limits(
        descriptors=max(0, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - RESERVED_DESCRIPTORS),
        ports=_ports(proc) * max(1, sources),
        memory_kb=memory_kb,
        net=_link(proc / "self/ns/net"),
        memory=memory,
    )


@dataclass(frozen=True)
class _Bound:
    """What one limit allows: `room` users per worker if `sharing` workers share it. `setting` raises it, if any."""

    name: str
    room: int
    sharing: int = 1
    setting: str = ""


def fits(users: int, workers: int, limits: Sequence[Limits], kb: int = KB_PER_USER, connections: int = 1) -> str | None:
    """Return why `users` of `kb` memory and `connections` each don't fit on `workers` with these limits, or None.

    Locust deals users round-robin, so the smallest worker decides and each carries `users / workers`, rounded up.
    A limit that more workers don't raise is named first, so that following the advice doesn't lead to the next limit.
    """
    if not limits or workers < 1:
        return None
    share = math.ceil(users / workers)
    bounds = sorted(_bounds(limits, kb, connections), key=lambda bound: bound.room)
    shared = [bound for bound in bounds if bound.sharing > 1 and users > bound.room * workers]
    tight = next((bound for bound in [*shared, *bounds] if share > bound.room), None)
    if tight is None:
        return None
    return (
        f"{users} users on {workers} workers are {share} users per worker, but a worker has room for {tight.room}: "
        f"{tight.name}{_remedy(users, workers, tight, bounds)}"
    )


def _bounds(limits: Sequence[Limits], kb: int, connections: int) -> list[_Bound]:
    each = f", {connections} connections a user" if connections > 1 else ""
    descriptors = f"descriptors (RLIMIT_NOFILE less {RESERVED_DESCRIPTORS} for the worker itself{each})"
    bounds = [_Bound(descriptors, min(limit.descriptors for limit in limits) // connections)]
    for key, members in _groups(limits, "net"):
        sharing = len(members) if key else 1
        room = min(limit.ports for limit in members) // sharing // connections
        bounds.append(_Bound(f"source ports (net.ipv4.ip_local_port_range{each})", room, sharing, "SOURCES"))
    for key, members in _groups(limits, "memory"):
        sharing = len(members) if key else 1
        room = min(limit.memory_kb for limit in members) // kb // sharing
        bounds.append(_Bound(f"memory ({kb} KB a user)", room, sharing))
    return bounds


def _groups(limits: Sequence[Limits], group: str) -> list[tuple[str, list[Limits]]]:
    keys = sorted({getattr(limit, group) for limit in limits})
    return [(key, [limit for limit in limits if getattr(limit, group) == key]) for key in keys]


def _remedy(users: int, workers: int, tight: _Bound, bounds: Sequence[_Bound]) -> str:
    if tight.room < 1:
        return ". Raise that limit"
    own = [math.ceil(users / bound.room) for bound in bounds if bound.sharing == 1 and bound.room]
    enough = max([workers, *own])
    if tight.sharing == 1:
        return f". Use WORKERS={enough} or more"
    wider = ""
    if tight.setting:
        times = math.ceil(math.ceil(users / workers) / tight.room)
        more = f" and WORKERS={enough}" if enough > workers else ""
        wider = f", {tight.setting}= with {times} times as many addresses{more}"
    most = min(bound.room for bound in bounds) * workers
    return f", which these workers share. Use at most USERS={most}{wider}, or workers on other machines"


def _ports(proc: Path) -> int:
    found = text(proc / "sys/net/ipv4/ip_local_port_range").split()
    return int(found[1]) - int(found[0]) + 1 if len(found) == 2 else 65535


def _memory(proc: Path, cgroup: Path) -> tuple[int, str]:
    """Return the free KB, and the name of the pool."""
    free = _available(proc)
    machine = text(proc / "sys/kernel/random/boot_id").strip()
    limited = [(limit, used) for limit, used in _cgroups(proc, cgroup) if limit < KERNEL_MEMORY_UNLIMITED]
    rooms = [(limit - used) // 1024 for limit, used in limited]
    if rooms and min(rooms) < free:
        return max(0, min(rooms)), _link(proc / "self/ns/cgroup") + machine
    return free, machine


def _available(proc: Path) -> int:
    for line in text(proc / "meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1])
    return KERNEL_MEMORY_UNLIMITED // 1024


def _cgroups(proc: Path, cgroup: Path) -> list[tuple[int, int]]:
    """Return (limit, used) in bytes of this process's memory groups, v2 or v1."""
    found = []
    for folder in folders("memory", proc, cgroup):
        for files in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            limit, used = (text(folder / name).strip() for name in files)
            if limit.isdigit() and used.isdigit():
                found.append((int(limit), int(used)))
    return found


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
