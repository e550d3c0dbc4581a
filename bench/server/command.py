"""`python -m lab bench-server`: measures the select server against its peers, prints a table and writes it down.

Exit code: as that of bench-load.
"""

from collections.abc import Mapping
from functools import partial

from bench.harness import compiled, procfs, report, trials
from bench.harness.record import Record
from bench.server import options, table
from bench.server.contenders import SELECT, SERVERS
from bench.server.roster import CAST
from bench.server.row import Bench
from lab.progress import result, say
from lab.run import folder as runs
from lab.settings import ROOT

SETTINGS = options.SETTINGS


def run(flags: Mapping[str, str | None]) -> int:
    """Run it; gives the exit code."""
    chosen = options.read(flags)
    procfs.raise_descriptors()
    bench = Bench(compiled.program("server/load"), chosen.window_s, chosen.connections)
    there = [SELECT, *trials.there({name: SERVERS[name] for name in chosen.peers})]
    folder = runs.create(runs.name("bench-server"))
    records: list[Record] = []
    try:
        for experiment in table.experiments(chosen.rows):
            order = partial(trials.in_turn, experiment.contenders, experiment.present(there))
            once = partial(experiment.once, bench)
            times = chosen.repeat or experiment.repeat
            trials.repeat(experiment.name, times, order, experiment.servers, once, folder / "logs", records)
    finally:
        lines = table.lines(chosen.rows, records)
        sections = table.sections(chosen.rows, records)
        report.write(folder, CAST, chosen, records, lines, sections=sections)
    result(report.text(CAST, lines, sections))
    say(f"Artefacts: {folder.relative_to(ROOT)}/ (also runs/latest)")
    return trials.exit_code([*(line.outcome for line in lines), *(section.outcome for section in sections)])
