"""`python -m lab bench-load`: measures the load generator against its peers, prints a table and writes it down.

Exit code: 0 every figure measured reaches what it must, 3 one does not, 4 one could not be measured, and as all verbs
1 (the bench itself failed), 2 usage, 130 interrupted. What was measured until then is written down in each case.
"""

from collections.abc import Mapping
from functools import partial

from bench.harness import procfs, report, trials
from bench.harness.record import Record
from bench.load import echo_server, options, schedule, table
from bench.load.contenders import CONTENDERS, FLOOR, SESSION
from bench.load.experiments import Bench
from lab.progress import result, say
from lab.run import folder as runs
from lab.settings import ROOT

SETTINGS = options.SETTINGS


def run(flags: Mapping[str, str | None]) -> int:
    """Run it; gives the exit code."""
    chosen = options.read(flags)
    options.demand_descriptors(chosen, procfs.raise_descriptors())
    there = [SESSION, FLOOR, *trials.there({name: CONTENDERS[name] for name in chosen.peers})]
    program = echo_server.program()
    folder = runs.create(runs.name("bench-load"))
    bench = Bench(chosen, program, folder)
    records: list[Record] = []
    try:
        for experiment in schedule.chosen(chosen.rows):
            order = partial(schedule.turns, experiment, there)
            once = partial(experiment.once, bench)
            times = chosen.repeat or experiment.repeat
            trials.repeat(experiment.name, times, order, CONTENDERS, once, folder / "logs", records)
    finally:
        lines = table.lines(records, chosen.rows, chosen.connections * 3 // 2)
        report.write(folder, table.CAST, chosen, records, lines, chosen.rate / 10)
    result(report.text(table.CAST, lines))
    say(f"Artefacts: {folder.relative_to(ROOT)}/ (also runs/latest)")
    return trials.exit_code([line.outcome for line in lines])
