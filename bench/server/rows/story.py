"""Every server of the story, measured in the same way.

A new model of the server is included without an edit here. Each model is asked only for what it promises, and no figure
is taken from a server that sends wrong replies. Three experiments:

- burst: 20, 900 and CONNECTIONS connections opened at once, of which the first stays silent: how many are answered.
- cost: 100 of 100 active, 10 of 900 active, 900 silent: CPU, memory. Not for models that can't hold a connection.
- blocked: a call that blocks for 50 ms before each reply, at more messages a second than one thread has time for; and
  a log that is read slowly, written to by the loop itself and through the server's ring buffer.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.charts import bar_table
from bench.charts.bar_table import Column
from bench.harness import procfs
from bench.harness.compiled import PEERS
from bench.results.line import REPORTED, UNKNOWN, number
from bench.results.record import Record, Values, median, of, problems
from bench.results.section import Section
from bench.server import measure
from bench.server.clients.burst import WITHIN_S, ConnectionBurst
from bench.server.clients.load_client import LoadClient
from bench.server.contenders import SELECT, ServerSpec, ours, running
from bench.server.row import Row, ServerBench, ServerExperiment
from bench.server.workloads import latency
from lab import settings

ALL, FEW, HELD = 100, 10, 900
BURSTS = (20, 900)
WARM_S, CLOSED_S, IDLE_S = 0.2, 0.7, 1.5
BLOCK_MS, BLOCKED, RATE, BLOCKED_S = 50, 20, 60, 2.0
LOG_BYTES, LOG_PAUSE_S = 40, 0.025  # about 40 lines a second
MANY = "select x N"
PREFORKED = 100  # processes, and so connections
HOLDS_NOTHING = {"sync": "it closes after its reply", "tutorial": "it floods each client that has had a reply"}


@dataclass(frozen=True)
class Figure:
    """A column of the table: its experiment and value, its heads in table and picture, and its unit."""

    experiment: str
    value: str
    head: str
    title: tuple[str, str]
    unit: str
    factor: float = 1.0


def _burst(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
    found: Values = {}
    for size in (*BURSTS, bench.connections):
        name = "most" if size == bench.connections else f"of_{size}"
        with (
            running(_capped(spec, bench.connections), folder / name) as server,
            ConnectionBurst(server.port, size) as burst,
        ):
            result = burst.result
            found[name] = result.answered
            found[f"{name}_flooded"] = result.flooded
            found[f"{name}_died"] = bool(server.died())
    text = ", ".join(f"{found[f'of_{size}']} of {size - 1}" for size in BURSTS)
    return {**found, "summary": f"{text}, {found['most']:,} of {bench.connections - 1:,} answered"}


def _capped(spec: ServerSpec, connections: int) -> ServerSpec:
    """Return a server of several processes as many as these connections need."""
    return spec.with_flags("--max-connections", str(connections)) if spec.name == MANY else spec


def _cost(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
    since, window_s = procfs.HostUsage(), bench.window_s or CLOSED_S
    with running(_capped(spec, bench.connections), folder) as server, LoadClient(bench.client, server.port) as load:
        load.hold(ALL)
        found: Values = {"us": measure.closed_loop(load, server, ALL, WARM_S, window_s)["us"]}
        base_kb = measure.settled_kb(server)
        if spec.name == "prefork":
            found["bytes"] = sum(map(procfs.pss_kb, procfs.children(server.process.pid))) * 1024 / PREFORKED
        else:
            load.hold(HELD)
            found["bytes"] = (measure.settled_kb(server) - base_kb) * 1024 / (HELD - ALL)
            found["few_us"] = measure.closed_loop(load, server, FEW, WARM_S, window_s)["us"]
        idle = measure.window(load, server, max(IDLE_S, window_s))
    return {**found, "idle_pct": idle["cpu_s"] / idle["seconds"] * 100, "stolen": since.stolen}


def _blocked(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
    since = procfs.HostUsage()
    with running(spec, folder) as server, LoadClient(bench.client, server.port) as load:
        load.hold(BLOCKED)
        return {**latency(load, BLOCKED, RATE, BLOCKED_S), "stolen": since.stolen}


def _flags(model: str) -> list[str]:
    return ["--max-connections", str(PREFORKED)] if model == "prefork" else []


def _servers() -> dict[str, ServerSpec]:
    found = {}
    for model in settings.models():
        label = f"{model}, {PREFORKED} processes" if model == "prefork" else model
        found[model] = ServerSpec(model, label, ours(model, *_flags(model)))
        if model == SELECT:
            found[MANY] = ServerSpec(MANY, "select, N processes", ours(SELECT, "--processes", "auto"))
    return found


def _blocking() -> dict[str, ServerSpec]:
    found = {
        name: server.with_flags("--block-ms", str(BLOCK_MS), label=f"{server.label}, blocked")
        for name, server in SERVERS.items()
        if name not in HOLDS_NOTHING and name != MANY
    }
    reader = [sys.executable, str(PEERS / "server/slow_log.py"), str(LOG_PAUSE_S), str(LOG_BYTES)]
    printing, ring = ours(SELECT, "--log-sync", "yes"), ours(SELECT, "--log-level", "debug")
    return {
        **found,
        "free": ServerSpec("free", "select, not blocked", ours(SELECT)),
        "print": ServerSpec("print", "select, printing to a slow reader", lambda: [*reader, *printing()]),
        "ring": ServerSpec("ring", "select, logging to a slow reader", lambda: [*reader, *ring()]),
    }


SERVERS = _servers()
HOLDING = tuple(name for name in SERVERS if name not in HOLDS_NOTHING)
BLOCKING = _blocking()
BURST = ServerExperiment("story burst", 1, _burst, tuple(SERVERS), SERVERS)
COST = ServerExperiment("story cost", 3, _cost, HOLDING, SERVERS)
BLOCK = ServerExperiment("story blocked", 1, _blocked, tuple(BLOCKING), BLOCKING)
FIGURES = (
    *(Figure(BURST.name, f"of_{n}", f"{n} opened", (f"{n} opened", "answered"), "") for n in BURSTS),
    Figure(BURST.name, "most", "all opened", ("past 1,024", "answered"), ""),
    Figure(COST.name, "us", f"{ALL} of {ALL}", (f"{ALL} of {ALL}", "CPU a message"), "µs"),
    Figure(COST.name, "few_us", f"{FEW} of {HELD}", (f"{FEW} of {HELD}", "CPU a message"), "µs"),
    Figure(COST.name, "idle_pct", "silent", ("all silent", "share of a core"), "%"),
    Figure(COST.name, "bytes", "memory each", ("a connection", "user memory"), "B"),
    Figure(BLOCK.name, "p99_us", "blocked", (f"{BLOCK_MS} ms blocked", "p99"), "ms", 1e-3),
)


def _sections(records: Sequence[Record]) -> list[Section]:
    table = [["server", *(figure.head for figure in FIGURES)]]
    table += [[SERVERS[name].label, *(_shown(records, figure, name) for figure in FIGURES)] for name in SERVERS]
    complete = all(of(records, BURST.name, name) for name in SERVERS) and all(
        of(records, COST.name, name) for name in HOLDING
    )
    outcome = REPORTED if complete else UNKNOWN
    return [Section("story", "Every server of the story", table, _notes(records), outcome, _picture(records))]


def _value(records: Sequence[Record], figure: Figure, name: str) -> float | None:
    found = median(of(records, figure.experiment, name), figure.value)
    return None if found is None else found * figure.factor


def _shown(records: Sequence[Record], figure: Figure, name: str) -> str:
    value = _value(records, figure, name)
    if value is None:
        return "-"
    if figure.unit == "B" and value >= 10_000:
        return number(value / 1024, "KB")
    text = number(value, figure.unit)
    for trial in of(records, figure.experiment, name)[:1]:
        died, flooded = (trial.values.get(f"{figure.value}_{fate}") for fate in ("died", "flooded"))
        text += ", died" if died else ", floods" if flooded else ""
    return text


def _notes(records: Sequence[Record]) -> list[str]:
    failed = {
        f"{experiment.servers[name].label}: {text}"
        for experiment in (BURST, COST, BLOCK)
        for name in experiment.contenders
        for text in problems(records, experiment.name, name)
    }
    free, printing, ring = (
        number(median(of(records, BLOCK.name, name), "p99_us"), "µs") for name in ("free", "print", "ring")
    )
    return [
        *sorted(failed),
        "opened: so many connections at once, of which the first is silent; the number answered within "
        f"{WITHIN_S:.0f} s. all opened: as many as CONNECTIONS says",
        *(f"{name} is not measured any further: {why}" for name, why in HOLDS_NOTHING.items() if name in SERVERS),
        f"{ALL} of {ALL}, {FEW} of {HELD} active: CPU per message; silent: share of a core; memory each: user memory",
        f"blocked: p99 from due of {RATE} messages a second for {BLOCKED_S:g} s over {BLOCKED} connections; before "
        f"each reply a call blocks for {BLOCK_MS} ms, so one thread has time for {1000 // BLOCK_MS} a second",
        f"select without such a call: p99 {free}; printing a line for each message (--log-sync yes) to a log of which "
        f"some 40 lines a second are read: {printing}; the same log through the server's own buffer (--log-level "
        f"debug): {ring}",
    ]


def _picture(records: Sequence[Record]) -> str:
    def column(figure: Figure) -> Column:
        values = [_value(records, figure, name) for name in SERVERS]
        shown = [_shown(records, figure, name) for name in SERVERS]
        return Column(
            figure.title, values, shown, cut=figure.value != "idle_pct"
        )  # one model is far above the others, and should be seen to be

    names = [server.label for server in SERVERS.values()]
    caption = "Over loopback, 20-byte lines; the first connection opened stays silent. A dash: the model can't do this."
    stands_out = [name in (SELECT, MANY) for name in SERVERS]
    return bar_table.draw("Every server of the story", caption, names, stands_out, [column(f) for f in FIGURES[1:]])


ROW = Row("story", (BURST, COST, BLOCK), sections=_sections)
