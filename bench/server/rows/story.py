"""Every server of the story, measured the same way: the figures of the README's story.

A new model of the server is in here by itself. Each is asked no more than it promises, and no figure is taken from one
whose answers are not right. Three experiments:

- crowd: of 20, 900 and CONNECTIONS connections opened at once, the first of which stays silent: who is answered.
- cost: all of 100 active, 10 of 900 active, 900 silent; CPU, memory. Not of those that can't hold a connection.
- blocked: a call that blocks for 50 ms before each reply, at more messages a second than one thread has time for; and
  a log that is read slowly, written to by the loop itself and through the ring of the lab.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.charts import chart
from bench.charts.chart import Column
from bench.harness import procfs
from bench.harness.compiled import PEERS
from bench.harness.line import TOLD, UNKNOWN, number
from bench.harness.record import Record, median, of, problems
from bench.harness.section import Section
from bench.load.experiments import Values
from bench.server import measure
from bench.server.clients.burst import WITHIN_S, Crowd
from bench.server.clients.load_client import Load
from bench.server.contenders import SELECT, Server, ours, running
from bench.server.row import Bench, Experiment, Row
from bench.server.workloads import latency
from lab import settings

ALL, FEW, HELD = 100, 10, 900
CROWDS = (20, 900)
WARM_S, CLOSED_S, IDLE_S = 0.2, 0.7, 1.5
BLOCK_MS, BLOCKED, RATE, BLOCKED_S = 50, 20, 60, 2.0
LOG_BYTES, LOG_PAUSE_S = 40, 0.025  # about 40 lines a second
MANY = "select x N"
PREFORKED = 100  # processes, and so connections
HOLDS_NOTHING = {"sync": "it closes after its reply", "tutorial": "it floods whoever has had a reply"}


@dataclass(frozen=True)
class Told:
    """A figure of the table: the experiment and value behind it, its heads in table and picture, and its unit."""

    experiment: str
    value: str
    head: str
    title: tuple[str, str]
    unit: str
    factor: float = 1.0


def _crowd(bench: Bench, server: Server, folder: Path) -> Values:
    found: Values = {}
    for size in (*CROWDS, bench.connections):
        name = "most" if size == bench.connections else f"of_{size}"
        with running(_capped(server, bench.connections), folder / name) as at_work, Crowd(at_work.port, size) as crowd:
            served = crowd.served
            found[name] = served.answered
            found[f"{name}_flooded"] = served.flooded
            found[f"{name}_died"] = bool(at_work.died())
    text = ", ".join(f"{found[f'of_{size}']} of {size - 1}" for size in CROWDS)
    return {**found, "told": f"{text}, {found['most']:,} of {bench.connections - 1:,} answered"}


def _capped(server: Server, connections: int) -> Server:
    """Where more processes hold more: as many as these connections need."""
    return server.told("--max-connections", str(connections)) if server.name == MANY else server


def _cost(bench: Bench, server: Server, folder: Path) -> Values:
    since, window_s = procfs.Since(), bench.window_s or CLOSED_S
    with running(_capped(server, bench.connections), folder) as at_work, Load(bench.load, at_work.port) as load:
        load.hold(ALL)
        found: Values = {"us": measure.closed_loop(load, at_work, ALL, WARM_S, window_s)["us"]}
        base_kb = measure.settled_kb(at_work)
        if server.name == "prefork":
            found["bytes"] = sum(map(procfs.pss_kb, procfs.children(at_work.process.pid))) * 1024 / PREFORKED
        else:
            load.hold(HELD)
            found["bytes"] = (measure.settled_kb(at_work) - base_kb) * 1024 / (HELD - ALL)
            found["few_us"] = measure.closed_loop(load, at_work, FEW, WARM_S, window_s)["us"]
        idle = measure.window(load, at_work, max(IDLE_S, window_s))
    return {**found, "idle_pct": idle["cpu_s"] / idle["seconds"] * 100, "stolen": since.stolen}


def _blocked(bench: Bench, server: Server, folder: Path) -> Values:
    since = procfs.Since()
    with running(server, folder) as at_work, Load(bench.load, at_work.port) as load:
        load.hold(BLOCKED)
        return {**latency(load, BLOCKED, RATE, BLOCKED_S), "stolen": since.stolen}


def _flags(model: str) -> list[str]:
    return ["--max-connections", str(PREFORKED)] if model == "prefork" else []


def _servers() -> dict[str, Server]:
    found = {}
    for model in settings.models():
        label = f"{model}, {PREFORKED} processes" if model == "prefork" else model
        found[model] = Server(model, label, ours(model, *_flags(model)))
        if model == SELECT:
            found[MANY] = Server(MANY, "select, N processes", ours(SELECT, "--processes", "auto"))
    return found


def _blocking() -> dict[str, Server]:
    found = {
        name: server.told("--block-ms", str(BLOCK_MS), label=f"{server.label}, blocked")
        for name, server in SERVERS.items()
        if name not in HOLDS_NOTHING and name != MANY
    }
    reader = [sys.executable, str(PEERS / "server/slow_log.py"), str(LOG_PAUSE_S), str(LOG_BYTES)]
    printing, ring = ours(SELECT, "--log-sync", "yes"), ours(SELECT, "--log-level", "debug")
    return {
        **found,
        "free": Server("free", "select, not blocked", ours(SELECT)),
        "print": Server("print", "select, printing to a slow reader", lambda: [*reader, *printing()]),
        "ring": Server("ring", "select, logging to a slow reader", lambda: [*reader, *ring()]),
    }


SERVERS = _servers()
HOLDING = tuple(name for name in SERVERS if name not in HOLDS_NOTHING)
BLOCKING = _blocking()
CROWD = Experiment("story crowd", 1, _crowd, tuple(SERVERS), SERVERS)
COST = Experiment("story cost", 3, _cost, HOLDING, SERVERS)
BLOCK = Experiment("story blocked", 1, _blocked, tuple(BLOCKING), BLOCKING)
FIGURES = (
    *(Told(CROWD.name, f"of_{n}", f"{n} opened", (f"{n} opened", "answered"), "") for n in CROWDS),
    Told(CROWD.name, "most", "all opened", ("past the wall", "answered"), ""),
    Told(COST.name, "us", f"{ALL} of {ALL}", (f"{ALL} of {ALL}", "CPU a message"), "µs"),
    Told(COST.name, "few_us", f"{FEW} of {HELD}", (f"{FEW} of {HELD}", "CPU a message"), "µs"),
    Told(COST.name, "idle_pct", "silent", ("all silent", "share of a core"), "%"),
    Told(COST.name, "bytes", "memory each", ("a connection", "user memory"), "B"),
    Told(BLOCK.name, "p99_us", "blocked", (f"{BLOCK_MS} ms blocked", "p99"), "ms", 1e-3),
)


def _sections(records: Sequence[Record]) -> list[Section]:
    table = [["server", *(figure.head for figure in FIGURES)]]
    table += [[SERVERS[name].label, *(_shown(records, figure, name) for figure in FIGURES)] for name in SERVERS]
    complete = all(of(records, CROWD.name, name) for name in SERVERS) and all(
        of(records, COST.name, name) for name in HOLDING
    )
    outcome = TOLD if complete else UNKNOWN
    return [Section("story", "Every server of the story", table, _notes(records), outcome, _picture(records))]


def _value(records: Sequence[Record], figure: Told, name: str) -> float | None:
    found = median(of(records, figure.experiment, name), figure.value)
    return None if found is None else found * figure.factor


def _shown(records: Sequence[Record], figure: Told, name: str) -> str:
    value = _value(records, figure, name)
    if value is None:
        return "-"
    if figure.unit == "B" and value >= 10_000:
        return number(value / 1024, "KB")
    text = number(value, figure.unit)
    for turn in of(records, figure.experiment, name)[:1]:
        died, flooded = (turn.values.get(f"{figure.value}_{fate}") for fate in ("died", "flooded"))
        text += ", died" if died else ", floods" if flooded else ""
    return text


def _notes(records: Sequence[Record]) -> list[str]:
    failed = {
        f"{experiment.servers[name].label}: {text}"
        for experiment in (CROWD, COST, BLOCK)
        for name in experiment.contenders
        for text in problems(records, experiment.name, name)
    }
    free, printing, ring = (
        number(median(of(records, BLOCK.name, name), "p99_us"), "µs") for name in ("free", "print", "ring")
    )
    return [
        *sorted(failed),
        "opened: of a crowd of so many the first is silent, all others ask as soon as they are open; who was answered "
        f"within {WITHIN_S:.0f} s; all opened: as many as CONNECTIONS says",
        *(f"{name} is not loaded any further: {why}" for name, why in HOLDS_NOTHING.items() if name in SERVERS),
        f"{ALL} of {ALL}, {FEW} of {HELD} active: CPU per message; silent: share of a core; memory each: user memory",
        f"blocked: p99 from due of {RATE} messages a second for {BLOCKED_S:g} s over {BLOCKED} connections; before "
        f"each reply a call blocks for {BLOCK_MS} ms, so one thread for all has time for {1000 // BLOCK_MS} a second",
        f"select without such a call: p99 {free}; printing a line for each message (--log-sync yes) to a log of which "
        f"some 40 lines a second are read: {printing}; the same log through the server's own buffer (--log-level "
        f"debug): {ring}",
    ]


def _picture(records: Sequence[Record]) -> str:
    def column(figure: Told) -> Column:
        values = [_value(records, figure, name) for name in SERVERS]
        shown = [_shown(records, figure, name) for name in SERVERS]
        return Column(figure.title, values, shown, cut=figure.value != "idle_pct")  # that one is far off is its point

    names = [server.label for server in SERVERS.values()]
    caption = (
        "Over loopback, 20-byte lines; the first connection opened stays silent. A dash: it can't be asked for that."
    )
    stands_out = [name in (SELECT, MANY) for name in SERVERS]
    return chart.bars("Every server of the story", caption, names, stands_out, [column(f) for f in FIGURES[1:]])


ROW = Row("story", (CROWD, COST, BLOCK), sections=_sections)
