"""Latency from due at a moderate rate, which no server here is pressed by: reported, not judged."""

from collections.abc import Sequence
from dataclasses import replace

from bench.harness.line import TOLD, Line, number
from bench.harness.record import Record
from bench.server.roster import CAST, line, medians
from bench.server.row import Experiment, Row
from bench.server.workloads import paced

EXPERIMENTS = (paced(100, 100, 2000), paced(900, 900, 2000), paced(10, 900, 1000))


def _lines(records: Sequence[Record]) -> list[Line]:
    return [_line(records, experiment) for experiment in EXPERIMENTS]


def _line(records: Sequence[Record], experiment: Experiment) -> Line:
    p50, p99 = medians(records, experiment.name, "p50_us"), medians(records, experiment.name, "p99_us")
    shown = {name: f"{number(p50[name], '')} / {number(p99[name], 'µs')}" for name in p99 if p99[name] is not None}
    figure = f"latency p50 / p99, {experiment.name}"
    title = f"Latency at a moderate rate, {experiment.name}"
    found = line(records, experiment.name, f"latency {experiment.name}", figure, "µs", p99, None, None, title=title)
    late, busy = (
        max((r.values[key] for r in records if r.experiment == experiment.name and not r.problem), default=None)
        for key in ("late_us", "busy")
    )
    found.notes.append(
        f"the client itself was up to {number(late, 'µs')} late (p99), which is in these figures; "
        f"up to {number(busy, 'cores')} were busy, of whatever process"
    )
    bars = [(CAST.labels[name], value, shown[name]) for name, value in p99.items() if value is not None]
    return replace(found, outcome=TOLD, shown=shown, bars=bars, caption="From due to the reply; the bars are p99")


ROW = Row("latency", EXPERIMENTS, _lines)
