"""Pure: finds out why the figures of a worker say nothing about the server.

A worker can be delayed by its own work, by its CPU limit, by the host of its virtual machine and by other programs.
Then it sends late and reads late, and measures the sum as latency. So a saturated worker makes a run 'unknown', never a
pass. Each limit below detects one cause of delay, and the reason names the cause, the evidence, and what to do.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rawsocket.settings.table import DEFAULT_LAG_LIMIT_MS
from rawsocket.verdict import words

# Above this share of one core a Python process delays its own sends and reads its replies late: it then
# measures itself. Locust warns at the same value (its CPU_WARNING_THRESHOLD).
CPU_LIMIT = 0.9
# Share of the time for which a CPU limit may hold a worker back: a p99 is made of the worst hundredth of the time.
THROTTLED_LIMIT = 0.01
# Cores that a worker must be allowed. The kernel divides a limit into slices of 100 ms: 0.05 of a core is 5 ms a slice.
# Handling the stop message takes Locust 25 to 50 ms of CPU at a stretch, a full garbage collection of 10,000 users as
# much, the first users more: there each becomes a second of silence or two, in which connects are timed. In between a
# worker with little to do shows nothing of it (measured with 5 users, 0.05 of a core, 15 s: lag p99 3 ms, never
# throttled, after a ramp in which it was throttled for 90 % of the time).
CPU_FLOOR = 0.1
# Share of each CPU's time that the host must have stolen before it is to blame. The worst case, that all of it was
# taken from this worker, is likely on two CPUs but not on sixty-four; below a tenth, the lag shows whether it mattered.
STOLEN_LIMIT = 0.1
# If a worker was running for at least this share of the time in which it was late, its own work made it late.
BUSY = 0.5
# In a closed loop each side waits for the other, so the slower one is the limit long before it uses a whole core. It is
# a loop if connections wait for a reply for at least half of the time: with a pace they are idle for nearly all of it.
LOOP_OCCUPANCY = 0.5
# Share of the connections of a worker whose replies are there whenever it looks: then they wait for it, not it for
# them. Measured in a closed loop on two busy cores: 0.77 and 0.92 with 100 and 2 connections to a server that echoes,
# 0.19 with 400, of which most wait at the server, and 0.001 with a server that works 1 ms for each message.
READY = 0.5
LIMIT = "closed loop, the generator is the limit"
LESS = "raise WORKERS or EVERY, or lower USERS"
RAISE = "raise WORKER_CPUS or WORKERS, or lower USERS"
ELSEWHERE = "end other programs on its machine, or use more machines"


@dataclass(frozen=True)
class WorkerFigures:
    """One worker as the master saw it; `lost` says how it was lost, "" if it wasn't; the rest is of the steady window.

    Shares are of one core (`cpu_share`, `stolen_share`: by the host, from all `cpus` together), of the window's time
    (`throttled_share`) or of the time for which the worker was late (`late_cpu_share`). `cpu_limit` is in cores, None
    for none. Any other None: unknown. `name` is what a person calls it, see `label`.
    """

    id: str
    state: str = "running"
    users: int = 0
    held: int = 0
    cpu_share: float | None = None
    lost: str = ""
    lag_p99_ms: float | None = None
    lag_max_ms: float | None = None
    turns_s: float | None = None
    stolen_share: float | None = None
    throttled_share: float | None = None
    late_cpu_share: float | None = None
    cpu_limit: float | None = None
    cpus: int | None = None
    name: str = ""

    @property
    def label(self) -> str:
        """What a person calls it: "worker 2", the second that joined."""
        return self.name or f"worker {self.id}"


def doubts(workers: Iterable[WorkerFigures], max_lag_ms: float = DEFAULT_LAG_LIMIT_MS) -> list[str]:
    """Return the doubts about these workers, see `doubt`."""
    return [said for worker in workers if (said := doubt(worker, max_lag_ms))]


def doubt(worker: WorkerFigures, max_lag_ms: float = DEFAULT_LAG_LIMIT_MS) -> str:
    """Return why the figures of this worker say nothing about the server, or ""; a lost worker is judged elsewhere.

    A worker whose lag is above `max_lag_ms` at p99 is itself the cause of the latencies that it measures.
    """
    if worker.lost:
        return ""
    if worker.cpu_share is None:
        return f"{worker.label} reported too seldom in the steady window for its share of CPU to be known"
    causes = [f"{what}; {remedy}" for what, remedy in _found(worker, max_lag_ms)]
    if not causes:
        return ""
    return f"the generator was saturated on {worker.label} ({_evidence(worker)}): {'; '.join(causes)}"


def main_cause(worker: WorkerFigures, max_lag_ms: float = DEFAULT_LAG_LIMIT_MS) -> tuple[str, str] | None:
    """Return (why the figures of this worker say nothing, what to do), in short; None if they are good."""
    if worker.lost or worker.cpu_share is None:
        return None
    for what, remedy in _found(worker, max_lag_ms):
        return f"{_lateness(worker, max_lag_ms)}: {what}", remedy
    return None


def _lateness(worker: WorkerFigures, max_lag_ms: float) -> str:
    if not _late(worker, max_lag_ms):
        return f"the load generator was too slow on {worker.label}"
    lag = words.milliseconds(worker.lag_p99_ms or 0.0, max_lag_ms)
    return f"{worker.label} was late by {lag} (p99; the limit is {words.milliseconds(max_lag_ms)})"


def _found(worker: WorkerFigures, max_lag_ms: float) -> list[tuple[str, str]]:
    return list(_causes(worker, max_lag_ms)) or list(_unexplained(worker, max_lag_ms))


def _causes(worker: WorkerFigures, max_lag_ms: float) -> Iterator[tuple[str, str]]:
    """Return each cause of delay that is above its limit, with what to do."""
    throttled, limit = worker.throttled_share or 0.0, worker.cpu_limit
    if throttled > THROTTLED_LIMIT:
        yield f"its CPU limit{_cores(limit)} held it back for {_percent(min(throttled, 1.0))} of the time", RAISE
    elif limit is not None and limit < CPU_FLOOR:
        yield f"its CPU limit{_cores(limit)} is below {CPU_FLOOR:g}, too little to be on time", RAISE
    if _stolen(worker, max_lag_ms):
        yield (
            f"the host stole {_percent(worker.stolen_share)} of a core",
            "use a host with CPU to spare, or lower USERS",
        )
    if (worker.cpu_share or 0.0) > CPU_LIMIT:
        yield f"its own work took all that it had ({_percent(worker.cpu_share)} of a core)", LESS


def _unexplained(worker: WorkerFigures, max_lag_ms: float) -> Iterator[tuple[str, str]]:
    """Return the cause of lag that no other figure explains."""
    if not _late(worker, max_lag_ms):
        return
    if (worker.late_cpu_share or 0.0) >= BUSY:
        yield "its own work came in bursts", LESS
    else:
        yield (
            "it was kept from running by other programs on its machine, by a call that blocks, or by a signal",
            ELSEWHERE,
        )


def _late(worker: WorkerFigures, max_lag_ms: float) -> bool:
    return (worker.lag_p99_ms or 0.0) > max_lag_ms


def _stolen(worker: WorkerFigures, max_lag_ms: float) -> bool:
    """Return whether the host left the worker too little CPU, or took enough to explain its lag."""
    stolen = worker.stolen_share or 0.0
    if stolen / (worker.cpus or 1) <= STOLEN_LIMIT:
        return False
    return _late(worker, max_lag_ms) or (worker.cpu_share or 0.0) + stolen > CPU_LIMIT


def _evidence(worker: WorkerFigures) -> str:
    lag = "" if worker.lag_p99_ms is None else f"lag p99 {worker.lag_p99_ms:.1f} ms, worst {worker.lag_max_ms:.0f} ms, "
    return f"{lag}{_percent(worker.cpu_share)} of a core"


def _cores(limit: float | None) -> str:
    return "" if limit is None else f" of {limit:g} cores (WORKER_CPUS)"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.{1 if share < 0.1 else 0}%}"


@dataclass(frozen=True)
class Loop:
    """What is known of a closed loop, in the steady window; None: unknown.

    `closed`: each message was sent when it was due, so nothing but the replies sets the pace. `occupancy`: the share of
    the time for which a connection waited for a reply. `worker_share` and `server_share`: the mean share of a core of a
    worker and of a process of the server. `ready`: the share of a worker's connections whose reply was there already
    when it looked for replies, once a turn of its hub.
    """

    closed: bool = False
    occupancy: float | None = None
    worker_share: float | None = None
    server_share: float | None = None
    ready: float | None = None


def loop_limit(loop: Loop) -> str:
    """Return why messages a second are the generator's limit and not the server's, or ""."""
    if not loop.closed or (loop.occupancy or 0.0) < LOOP_OCCUPANCY:
        return ""
    worker, server = loop.worker_share, loop.server_share
    if worker is not None and server is not None and worker > server:
        return f"{LIMIT}: a worker used {_percent(worker)} of a core, a process of the server {_percent(server)}"
    if (loop.ready or 0.0) >= READY:
        return f"{LIMIT}: replies on {_percent(loop.ready)} of a worker's connections were there before it looked"
    return ""
