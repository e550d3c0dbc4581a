"""All connections active, 100 and 900 of them: CPU per message, against asyncio's Protocol, uvloop and C select."""

from collections.abc import Sequence

from bench.results.line import Line
from bench.results.record import Record
from bench.server.roster import line, medians, ratio
from bench.server.row import Row, ServerExperiment
from bench.server.workloads import ALL_100, ALL_900

MUST, AIM = 1.15, 1.3  # asyncio's Protocol must cost so many times ours
AIM_C_SELECT = 1.35  # times the cost of the same loop in C


def _row(key: str, experiment: ServerExperiment) -> Row:
    def lines(records: Sequence[Record]) -> list[Line]:
        us = medians(records, experiment.name, "us")
        asyncio, uvloop, c_select = us["asyncio"], us["uvloop"], us["c-select"]
        must = asyncio / MUST if asyncio else None
        aim = min(asyncio / AIM, uvloop, c_select * AIM_C_SELECT) if asyncio and uvloop and c_select else None
        figure = f"CPU per message, {experiment.name} active"
        found = line(records, experiment.name, key, figure, "µs", us, must, aim)
        against = ", ".join(ratio(us, name) for name in ("asyncio", "uvloop", "c-select"))
        aims = f"1/{AIM} of asyncio, 1 x uvloop and {AIM_C_SELECT} x c-select"
        found.notes.append(f"ours is {against}; must: 1/{MUST} of asyncio; aim: {aims}")
        return [found]

    return Row(key, (experiment,), lines)


ROW_100 = _row("all-100", ALL_100)
ROW_900 = _row("all-900", ALL_900)
