"""The cost of 900 held and silent connections, as a share of one core."""

from collections.abc import Sequence
from pathlib import Path

from bench.results.line import Line
from bench.results.record import Record, Values
from bench.server import measure
from bench.server.clients.load_client import LoadClient
from bench.server.contenders import SELECT, ServerSpec, running
from bench.server.roster import line, medians
from bench.server.row import Row, ServerBench, ServerExperiment

HELD = 900
WINDOW_S = 5.0  # at least: a shorter window shows too little
MUST_PCT, AIM_PCT = 2.0, 0.2


def _measure(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
    with running(spec, folder) as server, LoadClient(bench.client, server.port) as load:
        load.hold(HELD)
        measure.settled_kb(server)
        found = measure.window(load, server, max(bench.window_s or WINDOW_S, WINDOW_S))
    return {"idle_pct": found["cpu_s"] / found["seconds"] * 100, **found}


EXPERIMENT = ServerExperiment("idle", 3, _measure, (SELECT, "asyncio", "uvloop"))


def _lines(records: Sequence[Record]) -> list[Line]:
    values = medians(records, EXPERIMENT.name, "idle_pct")
    figure, title = f"idle, {HELD} held, share of a core", f"Share of a core with {HELD} connections held, all silent"
    return [line(records, EXPERIMENT.name, "idle", figure, "%", values, MUST_PCT, AIM_PCT, title=title)]


ROW = Row("idle", (EXPERIMENT,), _lines)
