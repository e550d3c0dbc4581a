"""What 900 connections cost that are held and silent: the share of one core."""

from collections.abc import Sequence
from pathlib import Path

from bench.harness.line import Line
from bench.harness.record import Record
from bench.load.experiments import Values
from bench.server import measure
from bench.server.clients.load_client import Load
from bench.server.contenders import SELECT, Server, running
from bench.server.roster import line, medians
from bench.server.row import Bench, Experiment, Row

HELD = 900
WINDOW_S = 5.0  # the least that a claim about idleness may rest on
MUST_PCT, AIM_PCT = 2.0, 0.2


def _once(bench: Bench, server: Server, folder: Path) -> Values:
    with running(server, folder) as at_work, Load(bench.load, at_work.port) as load:
        load.hold(HELD)
        measure.settled_kb(at_work)
        found = measure.window(load, at_work, max(bench.window_s or WINDOW_S, WINDOW_S))
    return {"idle_pct": found["cpu_s"] / found["seconds"] * 100, **found}


EXPERIMENT = Experiment("idle", 3, _once, (SELECT, "asyncio", "uvloop"))


def _lines(records: Sequence[Record]) -> list[Line]:
    values = medians(records, EXPERIMENT.name, "idle_pct")
    figure, title = f"idle, {HELD} held, share of a core", f"Share of a core with {HELD} connections held, all silent"
    return [line(records, EXPERIMENT.name, "idle", figure, "%", values, MUST_PCT, AIM_PCT, title=title)]


ROW = Row("idle", (EXPERIMENT,), _lines)
