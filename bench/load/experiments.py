"""What is done with a contender to get its figures: hold, closed loop, arrivals. Each gives one record of values.

A record always has `stolen`: the share of one core that the host took while it was measured. The figures come from
/proc and from the server; where the library leaves a verdict.json, it must agree that nothing failed.
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
from bench.load.contenders import SESSION, Contender, Load, Run, running
from bench.load.echo_server import BIN_S, Echo
from bench.load.options import Options
from lab import page
from lab.errors import LabError

SETTLE_S = 3.0  # after the last connection: what the ramp left behind is worked off
HELD_S = 60.0  # beyond the ramp, until all connections must be there: everyone's user takes up to half of it
END_S = 60.0
MARGIN_S = 4  # of a run's own TIME, so that it does not end within the window
Values = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What all experiments share."""

    options: Options
    echo: Sequence[str]
    folder: Path

    def ramp_s(self, connections: int) -> float:
        """Seconds that opening so many connections takes."""
        return connections / self.options.rate

    def load(self, port: int, connections: int, every: float, seconds: float, admin: str = "") -> Load:
        """Give a load that goes on for so long after its ramp."""
        time_s = math.ceil(self.ramp_s(connections) + seconds)
        return Load(port, connections, self.options.rate, every, time_s, admin)


@dataclass(frozen=True)
class Experiment:
    """One experiment: the rows it fills, whom it measures in this order, how often, and how."""

    name: str
    rows: tuple[str, ...]
    contenders: tuple[str, ...]
    repeat: int
    once: Callable[[Bench, Contender, Path], Values]
    paired: bool = False  # the floor is measured before and after each contender


def hold(bench: Bench, contender: Contender, folder: Path) -> Values:
    """10,000 held, a message a second each: memory, CPU per message, lag."""
    connections, window_s = bench.options.connections, bench.options.window_s or 10.0
    with Echo(bench.echo) as echo:
        load = bench.load(echo.port, connections, 1.0, SETTLE_S + window_s + MARGIN_S)
        with running(contender, load, folder) as run:
            began = procfs.Since()
            measure.all_held(echo, run, connections, bench.ramp_s(connections) + HELD_S)
            found: Values = {"ramp_s": began.seconds, "silent_ramp_ms": echo.mark()["silence"] * 1000}
            time.sleep(SETTLE_S)
            echo.mark()
            found |= measure.over(echo, run, window_s).values()
            found["silent_held_ms"] = echo.mark()["silence"] * 1000
            found["kb"] = (procfs.rss_kb(run.generator) - (run.base_kb or 0)) / connections
            found["base_kb"] = run.base_kb
            if contender.name == SESSION:
                found |= _lags(run)
                found["silent_end_ms"] = echo.counts()["silence"] * 1000
            found["stolen"] = began.stolen
    return found


def _lags(run: Run) -> Values:
    """The worst lag that the worker reports: until now, in the steady window, and to the end of the run."""
    before = _worst(run.page)
    last = [before]

    run.finish(END_S, lambda: last.append(_worst(run.page) or last[-1]))
    (worker,) = verdict(run)["generator"]["workers"]
    return {"lag_ramp_ms": before, "lag_held_ms": worker.get("lag_max_ms"), "lag_end_ms": last[-1]}


def _worst(address: str) -> float | None:
    workers = (page.state(address) or {}).get("workers") or [{}]
    worst: float | None = workers[0].get("lag_max_ms")
    return worst


def closed(bench: Bench, contender: Contender, folder: Path) -> Values:
    """A closed loop over 100 connections: CPU per message."""
    connections, window_s = min(100, bench.options.connections), bench.options.window_s or 4.0
    with Echo(bench.echo) as echo:
        load = bench.load(echo.port, connections, 0.0, 1.0 + window_s + MARGIN_S)
        with running(contender, load, folder) as run:
            measure.all_held(echo, run, connections, bench.ramp_s(connections) + HELD_S)
            time.sleep(1.0)
            window = measure.over(echo, run, window_s)
            if contender.name in (SESSION, "raw"):
                run.finish(END_S)
                verdict(run)
    return window.values()


def arrivals(bench: Bench, contender: Contender, folder: Path) -> Values:
    """15,000 opened at 1,000 a second on one worker: what the server saw in each 100 ms."""
    connections = bench.options.connections * 3 // 2
    with Echo(bench.echo) as echo:
        load = bench.load(echo.port, connections, 10.0, 3.0 + MARGIN_S)
        with running(contender, load, folder) as run:
            began = procfs.Since()
            measure.all_held(echo, run, connections, bench.ramp_s(connections) + HELD_S)
            stolen = began.stolen
            time.sleep(2.0)  # whoever opens more than was asked does so by now
            counts = echo.bins()
            failed = None
            if contender.name == SESSION:
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
    """From accepts in bins of BIN_S to those of each whole 100 ms, and how far the worst of them is from even, in %.

    The first begins with the first accept; the last, in which the last accept falls, is not whole and left out.
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


def document(run: Run) -> dict[str, Any]:
    """Read the verdict that the library left."""
    file = run.folder / "verdict.json"
    if not file.exists():
        raise LabError(f"{run.name}: it left no verdict.json", run.evidence())
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def verdict(run: Run) -> dict[str, Any]:
    """Read the verdict that the library left; LabError if it says that anything failed."""
    found = document(run)
    if bad := failures(found):
        raise LabError(f"{run.name}: its verdict tells of failures: {bad}", json.dumps(found["reasons"]))
    return found


def failures(verdict: dict[str, Any]) -> dict[str, int]:
    """Give what a verdict says has failed, by name."""
    connections, count = verdict["connections"], verdict["messages"]["wrong"]
    wrong = {"wrong": count} if count else {}
    return {**wrong, **connections["failed"], **{f"dropped: {name}": n for name, n in connections["dropped"].items()}}
