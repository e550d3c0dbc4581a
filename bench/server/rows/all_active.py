"""All connections active, 100 and 900 of them: what a message costs, against asyncio's Protocol, uvloop, C select."""

from collections.abc import Sequence

from bench.harness.line import Line
from bench.harness.record import Record
from bench.server.roster import line, medians, times
from bench.server.row import Experiment, Row
from bench.server.workloads import ALL_100, ALL_900

MUST, AIM = 1.15, 1.3  # times cheaper than asyncio's Protocol
AIM_C_SELECT = 1.35  # times what the same loop costs in C


def _row(key: str, experiment: Experiment) -> Row:
    def lines(records: Sequence[Record]) -> list[Line]:
        us = medians(records, experiment.name, "us")
        asyncio, uvloop, c_select = us["asyncio"], us["uvloop"], us["c-select"]
        must = asyncio / MUST if asyncio else None
        aim = min(asyncio / AIM, uvloop, c_select * AIM_C_SELECT) if asyncio and uvloop and c_select else None
        figure = f"CPU per message, {experiment.name} active"
        found = line(records, experiment.name, key, figure, "µs", us, must, aim)
        against = ", ".join(times(us, name) for name in ("asyncio", "uvloop", "c-select"))
        aims = f"1/{AIM} of asyncio, 1 x uvloop and {AIM_C_SELECT} x c-select"
        found.notes.append(f"ours is {against}; must: 1/{MUST} of asyncio; aim: {aims}")
        return [found]

    return Row(key, (experiment,), lines)


ROW_100 = _row("all-100", ALL_100)
ROW_900 = _row("all-900", ALL_900)
