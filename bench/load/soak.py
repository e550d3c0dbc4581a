"""The experiment of the soak: connections held for long, against the lab's own server: its counters make the ledger."""

import re
import signal
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.harness import procfs
from bench.load.contenders import Contender, running
from bench.load.experiments import END_S, Bench, Values, verdict
from lab.engines.native import processes
from lab.engines.native.processes import Process
from lab.errors import finish_despite_interrupt
from lab.progress import say
from lab.waiting import wait_for

SETTLE_S = 10.0  # after the ramp and before the end: what is weighed is the held state
EVERY = 10  # of the weights, one in so many is written down
_LISTENING = re.compile(r"holdfast server listening on \S+:(\d+) admin (\S+)")


def soak(bench: Bench, contender: Contender, folder: Path) -> Values:
    """10,000 held, a message a second each, for SOAK: the ledger, and what the worker weighs each second."""
    connections, seconds = bench.options.connections, bench.options.soak_s
    server = _server(folder, connections)
    try:
        wait_for("the server", lambda: bool(_LISTENING.search(server.text())), 60, evidence=server.text)
        match = _LISTENING.search(server.text())
        assert match
        load = bench.load(int(match[1]), connections, 1.0, seconds, f"http://{match[2]}")
        with running(contender, load, folder) as run:
            began = procfs.Since()
            ramp_s = bench.ramp_s(connections)
            scale = Scale(lambda: procfs.rss_kb(run.generator), ramp_s + SETTLE_S, ramp_s + seconds - SETTLE_S)
            run.finish(load.seconds + END_S, lambda: scale.look(began.seconds))
            found = verdict(run)
            stolen = began.stolen
    finally:
        finish_despite_interrupt(lambda: processes.stop([server]))
    return {
        **ledger(found),
        **flatness(scale.weights),
        "soak_s": seconds,
        "messages": found["messages"],
        "stolen": stolen,
    }


class Scale:
    """Weighs once a second between two moments, and says once a minute that it still does."""

    def __init__(self, weigh: Callable[[], int], begin_s: float, end_s: float) -> None:
        self.weights: list[int] = []
        self._weigh = weigh
        self._next_s, self._end_s = begin_s, end_s

    def look(self, elapsed_s: float) -> None:
        """Weigh if it is time; to be called more often than that."""
        if not self._next_s <= elapsed_s < self._end_s:
            return
        self._next_s += 1.0
        self.weights.append(self._weigh())
        if len(self.weights) % 60 == 0:
            say(f"  ... soak: {elapsed_s / 60:.0f} min, the worker weighs {self.weights[-1] / 1024:.1f} MB")


def _server(folder: Path, connections: int) -> Process:
    command = [
        sys.executable,
        "-m",
        "server",
        "--model",
        "epoll",
        "--app",
        "echo",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    command += ["--admin-host", "127.0.0.1", "--admin-port", "0", "--max-connections", str(connections + 100)]
    return processes.start("server", command, {}, folder, signal.SIGTERM)


def ledger(document: Values) -> Values:
    """Give what the ledger of a verdict says: did it reconcile, what does it leave unexplained (None: no ledger)."""
    found = document.get("ledger")
    if not found:
        return {"reconciled": None, "unexplained": None}
    return {
        "reconciled": found["reconciled"],
        "unexplained": sum(abs(row["unexplained"] or 0) for row in found["rows"]),
    }


def flatness(weights: Sequence[int]) -> Values:
    """From KB, sample by sample after the ramp, to the growth in percent: the last fifth's median to the first's."""
    fifth = len(weights) // 5
    shown = list(weights[::EVERY])
    if not fifth:
        return {"growth_pct": None, "weights_kb": shown}
    first, last = statistics.median(weights[:fifth]), statistics.median(weights[-fifth:])
    return {"growth_pct": (last - first) / first * 100, "first_kb": first, "last_kb": last, "weights_kb": shown}
