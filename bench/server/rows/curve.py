"""Cost against held connections: CPU per message, user memory, latency, at more and more of them, up to CONNECTIONS.

In a trial one server gets more and more connections; at each level all have had a reply. It ends at the number that one
process can hold: select's limit, or the descriptors of the others. Only select in N processes goes further. Reported,
not judged.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.charts import line_chart
from bench.charts.line_chart import Panel, Style
from bench.harness import procfs
from bench.results.line import REPORTED, UNKNOWN, number
from bench.results.record import Record, Values, of, problems
from bench.results.section import Section
from bench.server import measure
from bench.server.clients.group import ClientGroup
from bench.server.contenders import SELECT, SERVERS, ServerSpec, ours, running
from bench.server.row import Row, ServerBench, ServerExperiment
from bench.server.workloads import latency

LEVELS = (100, 300, 900, 2000, 5000, 10_000, 15_000, 20_000, 30_000, 50_000, 75_000, 100_000)
ACTIVE, RATE = 1000, 1000  # of the closed loop, and messages a second of the open one
WARM_S, CLOSED_S, OPEN_S = 0.2, 0.7, 1.0
SELECT_LIMIT = 1000  # connections of a single select process
SPARE = 100  # descriptors that a server needs for other things
MANY = "select x N"


def levels(most: int) -> list[int]:
    """Return the numbers of held connections, one level after the other."""
    return [level for level in LEVELS if level < most] + [most]


def reach(name: str, descriptors: int) -> float:
    """Return how many connections a contender can hold; infinite if more processes hold more."""
    return {SELECT: SELECT_LIMIT, MANY: float("inf")}.get(name, descriptors - SPARE)


def _measure(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
    within = [level for level in levels(bench.connections) if level <= reach(spec.name, procfs.raise_descriptors())]
    if spec.name == MANY:
        spec = spec.with_flags("--max-connections", str(bench.connections))
    since, points = procfs.HostUsage(), []
    with running(spec, folder) as server:
        empty_kb = measure.settled_kb(server)
        with ClientGroup(bench.client, server.port, within[-1]) as load:
            for held in within:
                load.hold(held)
                grown_kb = measure.settled_kb(server) - empty_kb
                mb = measure.shared_kb(server) / 1024
                active = min(ACTIVE, held)
                us = measure.closed_loop(load, server, active, WARM_S, bench.window_s or CLOSED_S)["us"]
                found = latency(load, active, RATE, bench.window_s or OPEN_S)
                each = grown_kb * 1024 / held
                points.append({"held": held, "us": us, "mb": mb, "bytes": each, "p99_us": found["p99_us"]})
        processes = len(server.pids())
    last = points[-1]
    summary = (
        f"{last['us']:.1f} µs a message, {last['mb']:.0f} MB, p99 {last['p99_us']:,.0f} µs at {last['held']:,} held"
    )
    return {"points": points, "processes": processes, "summary": summary, "stolen": since.stolen}


CONTENDERS = {
    SELECT: SERVERS[SELECT],
    MANY: ServerSpec(MANY, "select, N processes", ours("select", "--processes", "auto")),
    "epoll": ServerSpec("epoll", "epoll", ours("epoll")),
    "poll": ServerSpec("poll", "poll", ours("poll")),
    "asyncio": ServerSpec("asyncio", "asyncio", ours("asyncio")),
    "uvloop": SERVERS["uvloop"],
}
EXPERIMENT = ServerExperiment("curve", 3, _measure, tuple(CONTENDERS), CONTENDERS)
LABELS = {**{name: server.label for name, server in CONTENDERS.items()}, SELECT: "select", "uvloop": "uvloop (bare)"}
STYLES = {
    SELECT: Style("#0f766e", 3.2),
    MANY: Style("#2563eb", 3.2),
    "epoll": Style("#6b7280"),
    "poll": Style("#9aa3b2", dash="7 4"),
    "asyncio": Style("#9aa3b2", dash="2 3"),
    "uvloop": Style("#c08a2d", dash="9 3 2 3"),
}
FIGURES = {"us": ("CPU per message", "µs"), "mb": ("memory of all", "MB"), "p99_us": ("p99", "µs")}


def medians(records: Sequence[Record], name: str) -> list[dict[str, Any]]:
    """Return the points of a contender; each figure is the median of its trials."""
    at: dict[int, list[dict[str, Any]]] = {}
    for trial in of(records, EXPERIMENT.name, name):
        for point in trial.values["points"]:
            at.setdefault(point["held"], []).append(point)
    return [{key: median(point[key] for point in points) for key in points[0]} for points in at.values()]


def _sections(records: Sequence[Record]) -> list[Section]:
    points = {name: found for name in CONTENDERS if (found := medians(records, name))}
    notes = sorted({f"{name}: {text}" for name in CONTENDERS for text in problems(records, EXPERIMENT.name, name)})
    notes += [f"at {last['held']:,} held, {_grown(LABELS[name], last)}" for name, (*_, last) in points.items()]
    outcome = REPORTED if {SELECT, MANY} <= set(points) else UNKNOWN
    table = [["held", *(f"{LABELS[name]}: CPU, memory of all, p99" for name in points)], *_rows(points)]
    return [Section("curve", "Cost against held connections", table, notes, outcome, _picture(points))]


def _grown(label: str, point: dict[str, Any]) -> str:
    return f"{label} has grown by {number(point['bytes'], 'B')} for each"


def _rows(points: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    held = sorted({point["held"] for found in points.values() for point in found})
    at = {(name, point["held"]): point for name, found in points.items() for point in found}
    return [[f"{level:,}", *(_cell(at.get((name, level))) for name in points)] for level in held]


def _cell(point: dict[str, Any] | None) -> str:
    return ", ".join(number(point[key], unit) for key, (_, unit) in FIGURES.items()) if point else "-"


def _picture(points: dict[str, list[dict[str, Any]]]) -> str:
    def series(key: str, factor: float = 1.0) -> dict[str, list[tuple[float, float]]]:
        return {name: [(point["held"], point[key] * factor) for point in found] for name, found in points.items()}

    each = {name: f"{LABELS[name]}: {number(last['bytes'], 'B')} each" for name, (*_, last) in points.items()}
    below = f"{ACTIVE:,} active in a closed loop, all where fewer are held; microseconds"
    panels = [
        Panel("CPU per message", below, series("us")),
        Panel("User memory of all processes", "Pss in MB, and what each connection adds", series("mb"), labels=each),
        Panel(f"p99 from due, at {RATE:,} messages a second", "Milliseconds", series("p99_us", 1e-3), log=True),
    ]
    title = "What it costs to hold more"
    return line_chart.draw(
        title,
        "Held connections from left to right. select ends at its wall, in N processes it goes on.",
        panels,
        STYLES,
        LABELS,
    )


ROW = Row("curve", (EXPERIMENT,), sections=_sections)
