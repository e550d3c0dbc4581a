"""The experiments hold, closed loop and arrivals. Each measures one generator and returns its values.

The values always have `stolen`: the steal time as a share of one core. The figures come from /proc and from the server;
if the library leaves a verdict.json, it must agree that nothing failed.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness import procfs
from bench.load import measure
from bench.load.contenders import SESSION, Generator, RunningGenerator, Workload, running
from bench.load.echo_server import BIN_S, Echo
from bench.results.record import Values
from bench.settings import LoadOptions
from lab import page_client
from lab.errors import LabError

SETTLE_S = 3.0  # after the last connection: the backlog of the ramp is worked off
HELD_S = 60.0  # after the ramp, for all connections to be open: the typical Locust user needs up to half of it
END_S = 60.0
MARGIN_S = 4  # added to a run's TIME, so that it does not end within the window


@dataclass(frozen=True)
class LoadBench:
    """What all experiments of bench-load share."""

    options: LoadOptions
    echo: Sequence[str]
    folder: Path

    def ramp_s(self, connections: int) -> float:
        """Return the seconds that opening so many connections takes."""
        return connections / self.options.rate

    def workload(self, port: int, connections: int, every: float, seconds: float, admin: str = "") -> Workload:
        """Return a workload that goes on for so many seconds after its ramp."""
        time_s = math.ceil(self.ramp_s(connections) + seconds)
        return Workload(port, connections, self.options.rate, every, time_s, admin)


@dataclass(frozen=True)
class LoadExperiment:
    """One experiment: the rows it fills, the generators in order, the repetitions, and how it measures one."""

    name: str
    rows: tuple[str, ...]
    generators: tuple[str, ...]
    repeat: int
    measure: Callable[[LoadBench, Generator, Path], Values]
    paired: bool = False  # the bare client is measured before and after each generator


def hold(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Hold 10,000 connections, a message a second on each: memory, CPU per message, lag."""
    connections, window_s = bench.options.connections, bench.options.window_s or 10.0
    with Echo(bench.echo) as echo:
        workload = bench.workload(echo.port, connections, 1.0, SETTLE_S + window_s + MARGIN_S)
        with running(generator, workload, folder) as run:
            began = procfs.HostUsage()
            measure.all_held(echo, run, connections, bench.ramp_s(connections) + HELD_S)
            found: Values = {"ramp_s": began.seconds, "silent_ramp_ms": echo.mark()["silence"] * 1000}
            time.sleep(SETTLE_S)
            echo.mark()
            found |= measure.over(echo, run, window_s).values()
            found["silent_held_ms"] = echo.mark()["silence"] * 1000
            found["kb"] = (procfs.rss_kb(run.pid) - (run.base_kb or 0)) / connections
            found["base_kb"] = run.base_kb
            if generator.name == SESSION:
                found |= _lags(run)
                found["silent_end_ms"] = echo.counts()["silence"] * 1000
            found["stolen"] = began.stolen
    return found


def _lags(run: RunningGenerator) -> Values:
    """Return the worst lag that the worker reports: until now, in the steady window, and to the end of the run."""
    before = _worst(run.page)
    last = [before]

    run.finish(END_S, lambda: last.append(_worst(run.page) or last[-1]))
    (worker,) = verdict(run)["generator"]["workers"]
    return {"lag_ramp_ms": before, "lag_held_ms": worker.get("lag_max_ms"), "lag_end_ms": last[-1]}


def _worst(address: str) -> float | None:
    workers = (page_client.state(address) or {}).get("workers") or [{}]
    worst: float | None = workers[0].get("lag_max_ms")
    return worst


def closed(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Run a closed loop over 100 connections: CPU per message."""
    connections, window_s = min(100, bench.options.connections), bench.options.window_s or 4.0
    with Echo(bench.echo) as echo:
        workload = bench.workload(echo.port, connections, 0.0, 1.0 + window_s + MARGIN_S)
        with running(generator, workload, folder) as run:
            measure.all_held(echo, run, connections, bench.ramp_s(connections) + HELD_S)
            time.sleep(1.0)
            window = measure.over(echo, run, window_s)
            if generator.name in (SESSION, "raw"):
                run.finish(END_S)
                verdict(run)
    return window.values()


def arrivals(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Open 15,000 connections at 1,000 a second from one worker: what the server saw in each 100 ms."""
    connections = bench.options.connections * 3 // 2
    with Echo(bench.echo) as echo:
        workload = bench.workload(echo.port, connections, 10.0, 3.0 + MARGIN_S)
        with running(generator, workload, folder) as run:
            began = procfs.HostUsage()
            measure.all_held(echo, run, connections, bench.ramp_s(connections) + HELD_S)
            stolen = began.stolen
            time.sleep(2.0)  # a generator that opens too many has done so by now
            counts = echo.bins()
            failed = None
            if generator.name == SESSION:
                run.finish(END_S)
                failed = sum(failures(document(run)).values())
            accepted = echo.counts()["accepted"]
    return {
        **spread(counts["accepts_in"], bench.options.rate),
        "accepted": accepted,
        "failed": failed,
        "stolen": stolen,
    }


def spread(bins: Sequence[int], rate: float) -> Values:
    """Return the accepts in each whole 100 ms, and how far the worst of them is from even, in %; `bins` are of BIN_S.

    The first 100 ms begin with the first accept; the last, which has the last accept, are not whole and left out.
    """
    last = max((number for number, count in enumerate(bins) if count), default=-1)
    width = round(0.1 / BIN_S)
    tenths = [sum(bins[at : at + width]) for at in range(0, last + 1 - width, width)]
    even = rate / 10
    worst = max((abs(count - even) / even * 100 for count in tenths), default=None)
    return {
        "tenths": tenths,
        "worst_pct": worst,
        "lowest": min(tenths, default=None),
        "highest": max(tenths, default=None),
    }


def document(run: RunningGenerator) -> dict[str, Any]:
    """Read the verdict.json that the library wrote."""
    file = run.folder / "verdict.json"
    if not file.exists():
        raise LabError(f"{run.name}: it wrote no verdict.json", run.evidence())
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def verdict(run: RunningGenerator) -> dict[str, Any]:
    """Read the verdict.json that the library wrote; LabError if it has a failure."""
    found = document(run)
    if bad := failures(found):
        raise LabError(f"{run.name}: its verdict has failures: {bad}", json.dumps(found["reasons"]))
    return found


def failures(verdict: dict[str, Any]) -> dict[str, int]:
    """Return the failures in a verdict, by name."""
    connections, count = verdict["connections"], verdict["messages"]["wrong"]
    wrong = {"wrong": count} if count else {}
    return {**wrong, **connections["failed"], **{f"dropped: {name}": n for name, n in connections["dropped"].items()}}
