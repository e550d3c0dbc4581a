"""User memory for each held connection: what a server weighs more with 900 of them, each of which has had a message."""

from collections.abc import Sequence
from pathlib import Path

from bench.harness.line import Line
from bench.harness.procfs import Since
from bench.harness.record import Record
from bench.load.experiments import Values
from bench.server import measure
from bench.server.clients.load_client import Load
from bench.server.contenders import Server, running
from bench.server.roster import line, medians
from bench.server.row import Bench, Experiment, Row

HELD = 900
MUST_B, AIM_B = 600.0, 400.0


def _once(bench: Bench, server: Server, folder: Path) -> Values:
    since = Since()
    with running(server, folder) as at_work:
        with Load(bench.load, at_work.port) as first:
            first.hold(1)  # comes and goes: what is made once, for the first message, is no connection's
        base_kb = measure.settled_kb(at_work)
        with Load(bench.load, at_work.port) as load:
            load.hold(HELD)
            grown_kb = measure.settled_kb(at_work) - base_kb
    return {"bytes": grown_kb * 1024 / HELD, "base_kb": base_kb, "stolen": since.stolen}


EXPERIMENT = Experiment("memory", 3, _once)


def _lines(records: Sequence[Record]) -> list[Line]:
    values = medians(records, EXPERIMENT.name, "bytes")
    figure, title = "user memory per held connection", "User memory per held connection"
    return [line(records, EXPERIMENT.name, "memory", figure, "B", values, MUST_B, AIM_B, title=title)]


ROW = Row("memory", (EXPERIMENT,), _lines)
