"""Cost against held connections: CPU per message, user memory, latency, at more and more of them, up to CONNECTIONS.

A turn is one server that is given more and more connections; at each level all have had a reply. It ends at what one
process can hold: select's wall, the descriptors of the others. Only select in N processes and whoever finds more
descriptors goes on. Told, not judged.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.charts import chart
from bench.charts.chart import Panel, Style
from bench.harness import procfs
from bench.harness.line import TOLD, UNKNOWN, number
from bench.harness.record import Record, of, problems
from bench.harness.section import Section
from bench.load.experiments import Values
from bench.server import measure
from bench.server.clients.group import Fleet
from bench.server.contenders import SELECT, SERVERS, Server, ours, running
from bench.server.row import Bench, Experiment, Row
from bench.server.workloads import latency

LEVELS = (100, 300, 900, 2000, 5000, 10_000, 15_000, 20_000, 30_000, 50_000, 75_000, 100_000)
ACTIVE, RATE = 1000, 1000  # of the closed loop, and messages a second of the open one
WARM_S, CLOSED_S, OPEN_S = 0.2, 0.7, 1.0
WALL = 1000  # what a select server holds alone
SPARE = 100  # descriptors of a server that are no connections
MANY = "select x N"


def levels(most: int) -> list[int]:
    """Give how many are held, one after the other."""
    return [level for level in LEVELS if level < most] + [most]


def reach(name: str, descriptors: int) -> float:
    """Give how many a contender can hold; infinite where more processes hold more."""
    return {SELECT: WALL, MANY: float("inf")}.get(name, descriptors - SPARE)


def _once(bench: Bench, server: Server, folder: Path) -> Values:
    within = [level for level in levels(bench.connections) if level <= reach(server.name, procfs.raise_descriptors())]
    if server.name == MANY:
        server = server.told("--max-connections", str(bench.connections))
    since, points = procfs.Since(), []
    with running(server, folder) as at_work:
        empty_kb = measure.settled_kb(at_work)
        with Fleet(bench.load, at_work.port, within[-1]) as load:
            for held in within:
                load.hold(held)
                grown_kb = measure.settled_kb(at_work) - empty_kb
                mb = measure.shared_kb(at_work) / 1024
                active = min(ACTIVE, held)
                us = measure.closed_loop(load, at_work, active, WARM_S, bench.window_s or CLOSED_S)["us"]
                found = latency(load, active, RATE, bench.window_s or OPEN_S)
                each = grown_kb * 1024 / held
                points.append({"held": held, "us": us, "mb": mb, "bytes": each, "p99_us": found["p99_us"]})
        processes = len(at_work.pids())
    last = points[-1]
    told = f"{last['us']:.1f} µs a message, {last['mb']:.0f} MB, p99 {last['p99_us']:,.0f} µs at {last['held']:,} held"
    return {"points": points, "processes": processes, "told": told, "stolen": since.stolen}


CONTENDERS = {
    SELECT: SERVERS[SELECT],
    MANY: Server(MANY, "select, N processes", ours("select", "--processes", "auto")),
    "epoll": Server("epoll", "epoll", ours("epoll")),
    "poll": Server("poll", "poll", ours("poll")),
    "asyncio": Server("asyncio", "asyncio", ours("asyncio")),
    "uvloop": SERVERS["uvloop"],
}
EXPERIMENT = Experiment("curve", 3, _once, tuple(CONTENDERS), CONTENDERS)
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
    """Give the points of a contender, each figure the median of its turns."""
    at: dict[int, list[dict[str, Any]]] = {}
    for turn in of(records, EXPERIMENT.name, name):
        for point in turn.values["points"]:
            at.setdefault(point["held"], []).append(point)
    return [{key: median(point[key] for point in points) for key in points[0]} for points in at.values()]


def _sections(records: Sequence[Record]) -> list[Section]:
    points = {name: found for name in CONTENDERS if (found := medians(records, name))}
    notes = sorted({f"{name}: {text}" for name in CONTENDERS for text in problems(records, EXPERIMENT.name, name)})
    notes += [f"at {last['held']:,} held, {_grown(LABELS[name], last)}" for name, (*_, last) in points.items()]
    outcome = TOLD if {SELECT, MANY} <= set(points) else UNKNOWN
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
    return chart.lines(
        title,
        "Held connections from left to right. select ends at its wall, in N processes it goes on.",
        panels,
        STYLES,
        LABELS,
    )


ROW = Row("curve", (EXPERIMENT,), sections=_sections)
