"""The stall experiment: the server stops for 2 s while messages are due ten times a second on each connection.

The library's latencies (of the whole run, from stats.csv, whose counts are exact) are compared with those that the
stall must cause (stall_latency.py), and its counts with each other and with the server's. The typical Locust user has
only Locust's own table; its figures are shown beside ours.
"""

import csv
import time
from pathlib import Path
from typing import Any

from bench.harness import procfs
from bench.load import measure, stall_latency
from bench.load.contenders import SESSION, Generator, RunningGenerator, running
from bench.load.echo_server import BIN_S, Echo
from bench.load.experiments import END_S, HELD_S, LoadBench, verdict
from bench.results.record import Values
from lab.errors import LabError

STALL_S = 2.0
PERIOD_S = 0.1
BEFORE_S, AFTER_S = 6.0, 12.0  # before and after the stall; 20 s together with it


def small(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Stall with 100 connections, 1,000 messages a second."""
    return _measure(bench, generator, folder, min(100, bench.options.connections))


def large(bench: LoadBench, generator: Generator, folder: Path) -> Values:
    """Stall with 1,000 connections, 10,000 messages a second."""
    return _measure(bench, generator, folder, min(1000, bench.options.connections))


def _measure(bench: LoadBench, generator: Generator, folder: Path, connections: int) -> Values:
    with Echo(bench.echo) as echo:
        workload = bench.workload(echo.port, connections, PERIOD_S, BEFORE_S + STALL_S + AFTER_S)
        with running(generator, workload, folder) as run:
            began = procfs.HostUsage()
            measure.all_held(echo, run, connections, bench.ramp_s(connections) + HELD_S)
            time.sleep(BEFORE_S)
            stopped, continued = echo.stall(STALL_S)
            run.finish(END_S + AFTER_S)
            counts = echo.bins()
            stolen = began.stolen
            reported = (
                _of_library(run)
                if generator.name == SESSION
                else _of_locust(run, round(workload.seconds * connections / PERIOD_S))
            )
    first = counts["first"]
    drain = stall_latency.drain_s(
        counts["messages_in"], BIN_S, stopped - first, continued - first, connections / PERIOD_S
    )
    found = {"stall_s": continued - stopped, "drain_s": drain, "server_messages": counts["messages"], "stolen": stolen}
    if generator.name != SESSION:
        drain = 0.0  # it never catches up: messages that it does not send are not late in its table
    return found | reported | compared(reported, continued - stopped, connections, drain)


def compared(reported: Values, stall_s: float, connections: int, drain_s: float) -> Values:
    """Return what the quantiles should have been, and by how many percent the reported ones are off."""
    found: Values = {}
    for name, quantile in (("p99", 0.99), ("p99_9", 0.999)):
        for key, drain in (("implied", drain_s), ("at_once", 0.0)):
            right = stall_latency.implied(quantile, stall_s, PERIOD_S, connections, reported["counted"], drain) * 1000
            found[f"{name}_{key}_ms"] = right
            found[f"{name}_{key}_off_pct"] = (reported[f"{name}_ms"] - right) / right * 100 if right else None
    return found


def _of_library(run: RunningGenerator) -> Values:
    """Return the library's latencies from due, and its counts of messages."""
    document = verdict(run)
    (row,) = [row for row in _rows(run.folder / "stats.csv") if row["name"] == "message"]
    messages = document["messages"]
    unsent = messages.get("unsent") or {}
    return {
        "counted": int(row["requests"]),
        "p99_ms": float(row["p99_ms"]),
        "p99_9_ms": float(row["p99_9_ms"]),
        "due": messages["due"],
        "sent": messages["sent"],
        "unsent": sum(unsent.values()),
        "answered": messages["answered"],
        "unanswered": messages["unanswered"],
        "steady": (document["latency_ms"].get("from_due") or {}),
    }


def _of_locust(run: RunningGenerator, due: int) -> Values:
    """Return the figures of Locust's own table; `due` is how many messages its pacing should have sent."""
    (row,) = [row for row in _rows(run.folder / "locust_stats.csv") if row["Name"] == "hello"]
    answered = int(row["Request Count"])
    reported = {"p99_ms": float(row["99%"]), "p99_9_ms": float(row["99.9%"])}
    return {**reported, "counted": due, "answered": answered, "never_sent_pct": max(0, due - answered) / due * 100}


def _rows(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        raise LabError(f"{file.name} was not written")
    with file.open() as text:
        return list(csv.DictReader(text))


def missing(values: Values) -> int:
    """Return how many messages the counts do not account for: due and neither sent nor unsent, and the like."""
    due = abs(values["due"] - values["sent"] - values["unsent"])
    sent = abs(values["sent"] - values["answered"] - values["unanswered"])
    return int(due + sent + max(0, values["answered"] - values["server_messages"]))
