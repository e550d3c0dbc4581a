"""The soak experiment: connections held for long, against the lab's own server, whose counters fill the ledger."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from bench.harness import procfs
from bench.load.contenders import Generator, running
from bench.load.experiments import END_S, LoadBench, verdict
from bench.load.features.lab_server import lab_server
from bench.results.record import Values
from lab.progress import say

SETTLE_S = 10.0  # after the ramp and before the end, in which no memory is sampled
EVERY = 10  # one sample in so many is written down


def soak(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Hold 10,000 connections for SOAK, a message a second on each: the ledger; memory and descriptors each second."""
    connections, seconds = bench.options.connections, bench.options.soak_s
    with lab_server(folder, connections) as server:
        workload = bench.workload(server.port, connections, 1.0, seconds, server.admin)
        with running(generator, workload, folder) as run:
            began = procfs.HostUsage()
            ramp_s = bench.ramp_s(connections)
            samplers = {
                name: Sampler(name, pid, ramp_s + SETTLE_S, ramp_s + seconds - SETTLE_S)
                for name, pid in (("worker", run.pid), ("server", server.pid))
            }

            def sample() -> None:
                for each in samplers.values():
                    each.sample(began.seconds)

            run.finish(workload.seconds + END_S, sample)
            found = verdict(run)
            stolen = began.stolen
    return {
        **ledger(found),
        **growth(samplers["worker"].samples_kb),
        "server_growth_pct": growth(samplers["server"].samples_kb)["growth_pct"],
        "descriptors": {
            name: [min(each.descriptors, default=None), max(each.descriptors, default=None)]
            for name, each in samplers.items()
        },
        "soak_s": seconds,
        "messages": found["messages"],
        "stolen": stolen,
    }


class Sampler:
    """Reads memory and descriptors of a process once a second between two moments, and reports them once a minute."""

    def __init__(self, name: str, pid: int, begin_s: float, end_s: float) -> None:
        self.samples_kb: list[int] = []
        self.descriptors: set[int] = set()
        self._name, self._pid = name, pid
        self._next_s, self._end_s = begin_s, end_s

    def sample(self, elapsed_s: float) -> None:
        """Read both if it is time; to be called more often than once a second."""
        if not self._next_s <= elapsed_s < self._end_s:
            return
        self._next_s += 1.0
        self.samples_kb.append(procfs.rss_kb(self._pid))
        now = procfs.descriptors(self._pid)
        self.descriptors.add(now)
        if len(self.samples_kb) % 60 == 0:
            memory = f"{self.samples_kb[-1] / 1024:.1f} MB, {now:,} descriptors"
            say(f"  ... soak: {elapsed_s / 60:.0f} min, the {self._name} has {memory}")


def ledger(document: Values) -> Values:
    """Return from the ledger of a verdict whether it reconciled, and what is unexplained (None: no ledger)."""
    found = document.get("ledger")
    if not found:
        return {"reconciled": None, "unexplained": None}
    return {
        "reconciled": found["reconciled"],
        "unexplained": sum(abs(row["unexplained"] or 0) for row in found["rows"]),
    }


def growth(samples_kb: Sequence[int]) -> Values:
    """Return the growth in percent, from the median of the first fifth of the samples to that of the last fifth."""
    fifth = len(samples_kb) // 5
    shown = list(samples_kb[::EVERY])
    if not fifth:
        return {"growth_pct": None, "samples_kb": shown}
    first, last = statistics.median(samples_kb[:fifth]), statistics.median(samples_kb[-fifth:])
    return {"growth_pct": (last - first) / first * 100, "first_kb": first, "last_kb": last, "samples_kb": shown}
