"""The workers of this process, independent of runs: limits, latest reports, and the held connections.

Held is a gauge: absolute values, summed over workers that Locust counts as live and whose report is younger than
FRESH_S. The share of a worker that dies leaves the gauge at once or within that time. A worker's part in a run is in
run.py.
"""

import time
from collections.abc import Callable, Collection

from rawsocket.master.worker_lag import Figure, growth
from rawsocket.measurement.report import Limits, Report

FRESH_S = 3.0  # three report intervals; after that it is unknown what a silent worker holds


class Worker:
    """One worker: its limits and its last two reports."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits
        self.latest: Report | None = None
        self.before: Report | None = None  # the previous one, if it is of the same run
        self.arrived = float("-inf")

    def rate(self, figure: Figure) -> float | None:
        """Return by how much a figure grew per second between the last two reports."""
        return growth(self.before, self.latest, figure)


class Workers:
    """All workers that a master (or the one local process) has known."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._workers: dict[str, Worker] = {}

    def worker(self, name: str) -> Worker:
        """Return the worker's entry, creating one for a new worker."""
        return self._workers.setdefault(name, Worker())

    def label(self, name: str) -> str:
        """Return what a person calls this worker: "worker 2" is the second that joined."""
        self.worker(name)
        return f"worker {list(self._workers).index(name) + 1}"

    def receive(self, name: str, report: Report) -> None:
        """Keep a report as the worker's latest; it has the limits, too, because the message with them may be missed."""
        worker = self.worker(name)
        worker.limits = report.limits or worker.limits
        worker.arrived = self._clock()
        same_run = worker.latest is not None and worker.latest.run == report.run
        worker.before = worker.latest if same_run else None
        worker.latest = report

    def held(self, live: Collection[str]) -> int:
        """Return the connections open now at live workers with a fresh report."""
        return sum(self.held_by(name) for name in live)

    def held_by(self, name: str) -> int:
        """Return what one worker holds, 0 if its report is stale."""
        worker = self._workers.get(name)
        if worker is None or worker.latest is None or self._clock() - worker.arrived >= FRESH_S:
            return 0
        return worker.latest.counts.held

    def age(self, name: str) -> float:
        """Return the age of the worker's latest report in seconds."""
        return self._clock() - self.worker(name).arrived

    def run_numbers(self) -> dict[str, int]:
        """Return the number of each worker's latest run: each worker numbers its own runs."""
        return {name: worker.latest.run for name, worker in self._workers.items() if worker.latest}
