"""User memory per held connection: the growth of a server with 900 of them, each of which has had a message."""

from collections.abc import Sequence
from pathlib import Path

from bench.harness.procfs import HostUsage
from bench.results.line import Line
from bench.results.record import Record, Values
from bench.server import measure
from bench.server.clients.load_client import LoadClient
from bench.server.contenders import ServerSpec, running
from bench.server.roster import line, medians
from bench.server.row import Row, ServerBench, ServerExperiment

HELD = 900
MUST_B, AIM_B = 600.0, 400.0


def _measure(bench: ServerBench, spec: ServerSpec, folder: Path) -> Values:
    since = HostUsage()
    with running(spec, folder) as server:
        with LoadClient(bench.client, server.port) as first:
            first.hold(1)  # comes and goes: memory allocated once, at the first message, does not count
        base_kb = measure.settled_kb(server)
        with LoadClient(bench.client, server.port) as load:
            load.hold(HELD)
            grown_kb = measure.settled_kb(server) - base_kb
    return {"bytes": grown_kb * 1024 / HELD, "base_kb": base_kb, "stolen": since.stolen}


EXPERIMENT = ServerExperiment("memory", 3, _measure)


def _lines(records: Sequence[Record]) -> list[Line]:
    values = medians(records, EXPERIMENT.name, "bytes")
    figure, title = "user memory per held connection", "User memory per held connection"
    return [line(records, EXPERIMENT.name, "memory", figure, "B", values, MUST_B, AIM_B, title=title)]


ROW = Row("memory", (EXPERIMENT,), _lines)
