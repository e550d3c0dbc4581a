"""Whether this process is itself the bottleneck: the lag and turns of its hub, and the CPU time that it did not get.

Strategy: a raw timer of the loop (no greenlet) is due every `TICK_S` on a fixed grid of the monotonic clock. A tick is
as late as any timer, read or reply of this process at that moment. A tick that was missed
counts as well, with its own lag: after a block of 95 ms nine ticks were due and were 85, 75, ... 5 ms late. One
value for the whole block would hide it among the short lags (coordinated omission, in the measurement of lag itself);
this way a share of the ticks is a share of the time. Nothing here yields, and a report reads small files of /proc and
/sys once a second.

The floor of the lag is 0.5 to 1 ms: libev's epoll sleeps in whole milliseconds.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gevent.hub import get_hub

from rawsocket.measurement.report import Lag
from rawsocket.measurement.stats_rows import truncate
from rawsocket.worker.cgroups import folders, text

# An idle hub that wakes for this timer alone uses 0.15 to 0.2 % of a core with 10 ms (0.35 % with 5 ms, 0.15 % with
# 20 ms: below that the rest of the process decides), and in a busy one the wake-up is there anyway. With
# 10 ms, a process that gets 5 ms in every 100 is detected, and half a second of lag is measured by fifty values.
TICK_S = 0.01
ITERATIONS = 1 << 32  # libev counts its turns in an unsigned int, which overflows in a day on a busy worker
CLOCK_HZ = os.sysconf("SC_CLK_TCK")
STEAL = 8  # `cpu  user nice system idle iowait irq softirq steal ...`, see proc_stat(5)


class LagMeter:
    """Measures the hub of the thread that creates it; one for each process with users."""

    def __init__(self, hub: Any = None, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> None:
        self._loop = (hub or get_hub()).loop
        self._places = (proc, cgroup)
        self._timer: Any = None
        self._due = self._ran = self._cpu = 0.0
        self._late_s = self._late_cpu_s = 0.0
        self._lags: dict[int, int] = {}
        self._max_us = 0
        self._turns = 0
        self._iteration = self._iterations()

    def start(self) -> None:
        """Start ticking; the grid starts now."""
        self.stop()
        self._ran, self._cpu = time.monotonic(), time.process_time()
        self._due = self._ran + TICK_S
        self._arm(TICK_S)

    def stop(self) -> None:
        """Stop ticking; the measurements are kept for the next report."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def report(self) -> Lag:
        """Return this part of a worker's report; lags are rounded as the recorder rounds latencies."""
        if self._timer is not None and time.monotonic() - self._due >= TICK_S:
            self._tick()  # after a long stop, a process may report before its timers run
        self._turn()
        lags, self._lags = self._lags, {}
        worst, self._max_us = self._max_us, 0
        throttled, limit = throttling(*self._places)
        return Lag(
            lags=[[us, ticks] for us, ticks in lags.items()],
            worst_us=worst,
            turns=self._turns,
            steal_s=stolen(self._places[0]),
            throttled_s=throttled,
            cpu_limit=limit,
            cpus=os.cpu_count() or 1,
            late_s=self._late_s,
            late_cpu_s=self._late_cpu_s,
        )

    def _arm(self, after: float) -> None:
        """Put the timer back on the grid: libev moves a repeating timer that is late to the time when it ran."""
        self._timer = self._loop.timer(after, TICK_S, ref=False)
        self._timer.start(self._tick, update=True)

    def _tick(self) -> None:
        now, cpu = time.monotonic(), time.process_time()
        late = now - self._due
        if late < TICK_S:
            self._add(late)
            self._due += TICK_S
        else:
            self._missed(now, cpu)
        self._ran, self._cpu = now, cpu

    def _missed(self, now: float, cpu: float) -> None:
        self._late_s += now - self._ran
        self._late_cpu_s += cpu - self._cpu
        while self._due <= now:
            self._add(now - self._due)
            self._due += TICK_S
        self.stop()
        self._arm(self._due - now)

    def _add(self, lag: float) -> None:
        us = int(lag * 1e6)
        key = truncate(us)
        self._lags[key] = self._lags.get(key, 0) + 1
        if us > self._max_us:
            self._max_us = us

    def _turn(self) -> None:
        now = self._iterations()
        self._turns += (now - self._iteration) % ITERATIONS
        self._iteration = now

    def _iterations(self) -> int:
        """Return the loop's own count of its turns, which costs nothing; libuv's loop has none, and counts as 0."""
        return int(getattr(self._loop, "iteration", 0))


def stolen(proc: Path = Path("/proc")) -> float | None:
    """Return the seconds that the host has stolen from all CPUs together since the machine started; None: unknown."""
    fields = text(proc / "stat").partition("\n")[0].split()
    return int(fields[STEAL]) / CLOCK_HZ if len(fields) > STEAL and fields[0] == "cpu" else None


def throttling(
    proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")
) -> tuple[float, float] | tuple[None, None]:
    """Return the seconds for which a CPU limit has held this process's groups back, and the lowest limit in cores.

    The seconds are the kernel's: those of each CPU on which the group had work waiting, added up. (None, None) if
    no group of this process has a limit.
    """
    found = list(_throttled(proc, cgroup))
    if not found:
        return None, None
    return sum(seconds for seconds, _ in found), min(limit for _, limit in found)


def _throttled(proc: Path, cgroup: Path) -> Iterator[tuple[float, float]]:
    for folder in folders("cpu", proc, cgroup):
        quota, _, period = text(folder / "cpu.max").partition(" ")
        quota, period = quota or text(folder / "cpu.cfs_quota_us"), period or text(folder / "cpu.cfs_period_us")
        if not quota.strip().isdigit() or not period.strip().isdigit():
            continue  # `max`, or -1: no limit
        counts = dict(line.split() for line in text(folder / "cpu.stat").splitlines())
        seconds = int(counts.get("throttled_usec", 0)) / 1e6 + int(counts.get("throttled_time", 0)) / 1e9
        yield seconds, int(quota) / int(period)
