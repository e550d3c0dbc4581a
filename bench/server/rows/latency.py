"""Latency from due at a moderate rate, which every server here can serve: reported, not judged."""

from collections.abc import Sequence
from dataclasses import replace

from bench.results.line import REPORTED, Line, number
from bench.results.record import Record
from bench.server.roster import ROSTER, line, medians
from bench.server.row import Row, ServerExperiment
from bench.server.workloads import paced

EXPERIMENTS = (paced(100, 100, 2000), paced(900, 900, 2000), paced(10, 900, 1000))


def _lines(records: Sequence[Record]) -> list[Line]:
    return [_line(records, experiment) for experiment in EXPERIMENTS]


def _line(records: Sequence[Record], experiment: ServerExperiment) -> Line:
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
        f"these figures include the lateness of the client itself, up to {number(late, 'µs')} (p99); "
        f"up to {number(busy, 'cores')} were busy, with any process"
    )
    bars = [(ROSTER.labels[name], value, shown[name]) for name, value in p99.items() if value is not None]
    return replace(found, outcome=REPORTED, shown=shown, bars=bars, caption="From due to the reply; the bars are p99")


ROW = Row("latency", EXPERIMENTS, _lines)
