"""Few of many connections active, which shows the cost of select's scan: against uvloop and asyncio's Protocol."""

from collections.abc import Sequence

from bench.results.line import Line
from bench.results.record import Record
from bench.server.roster import line, medians, ratio
from bench.server.row import Row
from bench.server.workloads import FEW

MUST_UVLOOP = 1.5  # times uvloop
AIM_ASYNCIO = 1.0  # times asyncio's Protocol


def _lines(records: Sequence[Record]) -> list[Line]:
    us = medians(records, FEW.name, "us")
    must = us["uvloop"] * MUST_UVLOOP if us["uvloop"] else None
    aim = us["asyncio"] * AIM_ASYNCIO if us["asyncio"] else None
    found = line(records, FEW.name, "few", f"CPU per message, {FEW.name} active", "µs", us, must, aim)
    against = ", ".join(ratio(us, name) for name in ("uvloop", "asyncio", "c-select"))
    found.notes.append(f"ours is {against}; must: {MUST_UVLOOP:g} x uvloop; aim: {AIM_ASYNCIO:g} x asyncio")
    return [found]


ROW = Row("few", (FEW,), _lines)
