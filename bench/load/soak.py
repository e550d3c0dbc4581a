"""The soak experiment: connections held for long, against the lab's own server, whose counters fill the ledger."""

import statistics
from collections.abc import Callable, Sequence
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
    """Hold 10,000 connections for SOAK, a message a second on each: the ledger, and the worker's memory each second."""
    connections, seconds = bench.options.connections, bench.options.soak_s
    with lab_server(folder, connections) as server:
        workload = bench.workload(server.port, connections, 1.0, seconds, server.admin)
        with running(generator, workload, folder) as run:
            began = procfs.HostUsage()
            ramp_s = bench.ramp_s(connections)
            sampler = MemorySampler(lambda: procfs.rss_kb(run.pid), ramp_s + SETTLE_S, ramp_s + seconds - SETTLE_S)
            run.finish(workload.seconds + END_S, lambda: sampler.sample(began.seconds))
            found = verdict(run)
            stolen = began.stolen
    return {
        **ledger(found),
        **growth(sampler.samples_kb),
        "soak_s": seconds,
        "messages": found["messages"],
        "stolen": stolen,
    }


class MemorySampler:
    """Reads the memory once a second between two moments, and reports it once a minute."""

    def __init__(self, read_kb: Callable[[], int], begin_s: float, end_s: float) -> None:
        self.samples_kb: list[int] = []
        self._read_kb = read_kb
        self._next_s, self._end_s = begin_s, end_s

    def sample(self, elapsed_s: float) -> None:
        """Read the memory if it is time; to be called more often than once a second."""
        if not self._next_s <= elapsed_s < self._end_s:
            return
        self._next_s += 1.0
        self.samples_kb.append(self._read_kb())
        if len(self.samples_kb) % 60 == 0:
            say(f"  ... soak: {elapsed_s / 60:.0f} min, the worker has {self.samples_kb[-1] / 1024:.1f} MB")


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
