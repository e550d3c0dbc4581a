"""How fast connections are accepted: by one process that accepts for itself, and by the supervisor of N processes.

The client opens connections as fast as it can. It watches the length of the server's accept queue, which the kernel
reports, and never lets it overflow; the clock stops when the queue is empty. The supervisor's own CPU time shows
whether it is a bottleneck: it only accepts and passes connections on, so one full core is its limit. Finally each
connection must have a reply, and the server's counter must agree with the client's, or there is no figure.
"""

import urllib.request
from collections.abc import Sequence
from pathlib import Path

from bench.harness import procfs
from bench.results.line import REPORTED, UNKNOWN, Line, number, outcome
from bench.results.record import Record, Values, median, of, problems, worst_steal
from bench.results.section import Section
from bench.server import measure
from bench.server.clients.load_client import LoadClient
from bench.server.contenders import SELECT, SERVERS, RunningServer, ServerSpec, ours, running
from bench.server.roster import ROSTER
from bench.server.row import Row, ServerBench, ServerExperiment
from lab.errors import LabError

PROCESSES = 16
SUPERVISED = f"select x {PROCESSES}"
SELECT_LIMIT = 1000  # connections of a single select process
MUST_MB = 80.0  # all processes together, at 15,000 held
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _measure(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
    connections = SELECT_LIMIT if spec.name == SELECT else bench.connections
    with running(spec, folder) as server, LoadClient(bench.client, server.port) as load:
        measure.settled_kb(server)  # all its processes are there
        since, pids = procfs.HostUsage(), server.pids()
        before, first_before = load.counts(pids), load.counts(pids[:1])
        seconds = load.rush(connections)
        first_after, after = load.counts(pids[:1]), load.counts(pids)
        load.closed(connections)
        load.stop()
        return {
            "connections": connections,
            "accepts_s": connections / seconds,
            "us_each": round((after["cpu_s"] - before["cpu_s"]) / connections * 1e6, 3),
            "acceptor_us": round((first_after["cpu_s"] - first_before["cpu_s"]) / connections * 1e6, 3),
            "mb": measure.shared_kb(server) / 1024,
            **_counted(server, connections),
            "summary": f"{connections / seconds:,.0f} connections accepted a second",
            "stolen": since.stolen,
        }


def _counted(server: RunningServer, connections: int) -> Values:
    """Return how many each process holds, by the server's own counters; LabError if they differ from the client's."""
    if not server.admin:
        return {}
    with _DIRECT.open(f"http://{server.admin}/metrics", timeout=10) as reply:
        counters = figures(reply.read().decode())
    if (found := counters.get("holdfast_server_accepted_total")) != connections:
        raise LabError(f"the client holds {connections} connections, the server has accepted {found}")
    held = [int(value) for name, value in counters.items() if name.startswith("holdfast_server_process_connections{")]
    return {"spread": sorted(value for value in held if value)} if held else {}


def figures(text: str) -> dict[str, float]:
    """Return the figures in the text of /metrics, by name and labels."""
    pairs = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


CONTENDERS = {
    SELECT: SERVERS[SELECT],
    "epoll": ServerSpec("epoll", "Holdfast epoll, one process", ours("epoll")),
    SUPERVISED: ServerSpec(
        SUPERVISED,
        f"Holdfast select, {PROCESSES} processes",
        lambda: ours("select", "--processes", str(PROCESSES))(),
    ),
    "c-epoll": SERVERS["c-epoll"],
}
EXPERIMENT = ServerExperiment("accepts", 5, _measure, tuple(CONTENDERS), CONTENDERS)
HEAD = ["server", "opened", "accepted a second", "CPU each", "CPU of the acceptor", "its limit", "Pss of all"]


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
            bars=[(ROSTER.labels[SELECT], mb, shown)] if mb is not None else [],
        )
    ]


def _sections(records: Sequence[Record]) -> list[Section]:
    rows = [row for name in CONTENDERS if (row := _row(records, name))]
    notes = sorted({f"{name}: {text}" for name in CONTENDERS for text in problems(records, EXPERIMENT.name, name)})
    trials = of(records, EXPERIMENT.name, SUPERVISED)
    if trials:
        spread = [held for trial in trials for held in trial.values.get("spread", [])]
        notes.append(f"each connection has had a reply; a process of {SUPERVISED} holds {_span(spread)}")
    if ratio := _ratio(records):
        notes.append(
            f"{SUPERVISED} accepts {ratio:.2f} times as many a second as one process on epoll (ratio of medians)"
        )
    complete = SUPERVISED in {record.contender for record in records if not record.problem}
    title = "How fast connections are accepted"
    return [Section("accepts", title, [HEAD, *rows], notes, REPORTED if complete else UNKNOWN)]


def _row(records: Sequence[Record], name: str) -> list[str]:
    trials = of(records, EXPERIMENT.name, name)
    if not trials:
        return []
    acceptor = median(trials, "acceptor_us") or 0.0
    limit = f"{1e6 / acceptor:,.0f} a second" if acceptor else "-"
    return [
        CONTENDERS[name].label,
        number(median(trials, "connections"), ""),
        number(median(trials, "accepts_s"), ""),
        number(median(trials, "us_each"), "µs"),
        number(acceptor, "µs"),
        limit,
        number(median(trials, "mb"), "MB"),
    ]


def _ratio(records: Sequence[Record]) -> float | None:
    many, one = (median(of(records, EXPERIMENT.name, name), "accepts_s") for name in (SUPERVISED, "epoll"))
    return many / one if many and one else None


def _span(values: Sequence[int]) -> str:
    return f"{min(values):,} to {max(values):,} of them" if values else "an unknown number of them"


ROW = Row("accepts", (EXPERIMENT,), _lines, _sections)
