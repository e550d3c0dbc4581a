"""Against the tutorial's own select server, with its flood fixed: all connections active, and few of many."""

from collections.abc import Sequence

from bench.results.line import Line
from bench.results.record import Record
from bench.server.contenders import SELECT
from bench.server.roster import line, medians
from bench.server.row import Row, ServerExperiment
from bench.server.workloads import ALL_900, FEW

MUST_ALL = 1.5  # times cheaper
MUST_FEW, AIM_FEW = 2.0, 4.0


def _lines(records: Sequence[Record]) -> list[Line]:
    return [_line(records, ALL_900, MUST_ALL, None), _line(records, FEW, MUST_FEW, AIM_FEW)]


def _line(records: Sequence[Record], experiment: ServerExperiment, must: float, aim: float | None) -> Line:
    us = medians(records, experiment.name, "us")
    ours, theirs = us[SELECT], us["tutorial"]
    figure = f"the tutorial's select, {experiment.name} active"
    found = line(
        records,
        experiment.name,
        f"tutorial {experiment.name}",
        figure,
        "µs",
        {name: us[name] for name in (SELECT, "tutorial")},
        theirs / must if theirs else None,
        theirs / aim if theirs and aim else None,
        title=f"The tutorial's select server, {experiment.name} active: CPU per message",
    )
    cheaper = f"{theirs / ours:.1f}" if theirs and ours else "-"
    found.notes.append(f"ours is {cheaper} times cheaper; must: {must:g}" + (f"; aim: {aim:g}" if aim else ""))
    return found


ROW = Row("tutorial", (ALL_900, FEW), _lines)
