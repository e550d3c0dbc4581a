"""How fast newcomers are let in: by one process that accepts for itself, and by the supervisor of N processes.

The client opens connections as fast as it can, and looks at the server's accept queue (the kernel tells its length): it
never lets it run over, and the clock stops when it is empty. Whether the supervisor is a bottleneck is told by its own
CPU as well: it does nothing but accept and pass on, and a core of it is the end. Then each connection must have a
reply, and the server's own counter must agree with the client's, or there is no figure.
"""

import urllib.request
from collections.abc import Sequence
from pathlib import Path

from bench.harness import procfs
from bench.harness.line import TOLD, UNKNOWN, Line, number, outcome
from bench.harness.record import Record, median, of, problems, worst_steal
from bench.harness.section import Section
from bench.load.experiments import Values
from bench.server import measure
from bench.server.clients.load_client import Load
from bench.server.contenders import SELECT, SERVERS, Running, Server, ours, running
from bench.server.roster import CAST
from bench.server.row import Bench, Experiment, Row
from lab.errors import LabError

PROCESSES = 16
SUPERVISED = f"select x {PROCESSES}"
WALL = 1000  # what a select server holds alone
MUST_MB = 80.0  # all processes together, at 15,000 held
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _once(bench: Bench, server: Server, folder: Path) -> Values:
    connections = WALL if server.name == SELECT else bench.connections
    with running(server, folder) as at_work, Load(bench.load, at_work.port) as load:
        measure.settled_kb(at_work)  # all its processes are there
        since, pids = procfs.Since(), at_work.pids()
        before, front = load.counts(pids), load.counts(pids[:1])
        seconds = load.rush(connections)
        after, front_after = load.counts(pids), load.counts(pids[:1])
        load.closed(connections)
        load.stop()
        return {
            "connections": connections,
            "accepts_s": connections / seconds,
            "us_each": (after["cpu_s"] - before["cpu_s"]) / connections * 1e6,
            "front_us": (front_after["cpu_s"] - front["cpu_s"]) / connections * 1e6,
            "mb": measure.shared_kb(at_work) / 1024,
            **_counted(at_work, connections),
            "told": f"{connections / seconds:,.0f} connections accepted a second",
            "stolen": since.stolen,
        }


def _counted(server: Running, connections: int) -> Values:
    """Give how many each process holds, by the server's own counters; LabError if they are not those of the client."""
    if not server.admin:
        return {}
    with _DIRECT.open(f"http://{server.admin}/metrics", timeout=10) as reply:
        counters = figures(reply.read().decode())
    if (found := counters.get("holdfast_server_accepted_total")) != connections:
        raise LabError(f"the client holds {connections} connections, the server has accepted {found}")
    held = [int(value) for name, value in counters.items() if name.startswith("holdfast_server_process_connections{")]
    return {"spread": sorted(value for value in held if value)} if held else {}


def figures(text: str) -> dict[str, float]:
    """From the text of /metrics to its figures, by name and labels."""
    pairs = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


CONTENDERS = {
    SELECT: SERVERS[SELECT],
    "epoll": Server("epoll", "Holdfast epoll, one process", ours("epoll")),
    SUPERVISED: Server(
        SUPERVISED,
        f"Holdfast select, {PROCESSES} processes",
        lambda: ours("select", "--processes", str(PROCESSES))(),
    ),
    "c-epoll": SERVERS["c-epoll"],
}
EXPERIMENT = Experiment("accepts", 5, _once, tuple(CONTENDERS), CONTENDERS)
HEAD = ["server", "opened", "accepted a second", "CPU each", "of it who accepts", "so at most", "Pss of all"]


def _lines(records: Sequence[Record]) -> list[Line]:
    mb = median(of(records, EXPERIMENT.name, SUPERVISED), "mb")
    values: dict[str, float | None] = {SELECT: mb}
    shown = number(mb, "MB")
    return [
        Line(
            key="accepts memory",
            title=f"User memory of {PROCESSES} select processes, all connections held",
            figure=f"{SUPERVISED}, all held: memory of all",
            unit="MB",
            values=values,
            must=MUST_MB,
            aim=None,
            outcome=outcome(mb, MUST_MB, True, False),
            stolen=worst_steal(records, EXPERIMENT.name),
            shown={SELECT: shown},
            notes=sorted({f"{SUPERVISED}: {text}" for text in problems(records, EXPERIMENT.name, SUPERVISED)}),
            caption="Pss of the supervisor and all its processes",
            bars=[(CAST.labels[SELECT], mb, shown)] if mb is not None else [],
        )
    ]


def _sections(records: Sequence[Record]) -> list[Section]:
    rows = [row for name in CONTENDERS if (row := _row(records, name))]
    notes = sorted({f"{name}: {text}" for name in CONTENDERS for text in problems(records, EXPERIMENT.name, name)})
    turns = of(records, EXPERIMENT.name, SUPERVISED)
    if turns:
        spread = [held for turn in turns for held in turn.values.get("spread", [])]
        notes.append(f"each connection has had its reply; a process of {SUPERVISED} holds {_span(spread)}")
    if ratio := _ratio(records):
        notes.append(
            f"{SUPERVISED} lets in {ratio:.2f} times as many a second as one process on epoll (ratio of medians)"
        )
    complete = SUPERVISED in {record.contender for record in records if not record.problem}
    title = "How fast newcomers are let in"
    return [Section("accepts", title, [HEAD, *rows], notes, TOLD if complete else UNKNOWN)]


def _row(records: Sequence[Record], name: str) -> list[str]:
    turns = of(records, EXPERIMENT.name, name)
    if not turns:
        return []
    front = median(turns, "front_us") or 0.0
    ceiling = f"{1e6 / front:,.0f} a second" if front else "-"
    return [
        CONTENDERS[name].label,
        number(median(turns, "connections"), ""),
        number(median(turns, "accepts_s"), ""),
        number(median(turns, "us_each"), "µs"),
        number(front, "µs"),
        ceiling,
        number(median(turns, "mb"), "MB"),
    ]


def _ratio(records: Sequence[Record]) -> float | None:
    many, one = (median(of(records, EXPERIMENT.name, name), "accepts_s") for name in (SUPERVISED, "epoll"))
    return many / one if many and one else None


def _span(values: Sequence[int]) -> str:
    return f"{min(values):,} to {max(values):,} of them" if values else "an unknown number of them"


ROW = Row("accepts", (EXPERIMENT,), _lines, _sections)
