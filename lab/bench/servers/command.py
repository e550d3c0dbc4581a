"""`python -m lab bench-server`: measures the select server against its peers, prints a table and writes it down.

Exit code: as that of bench-load.
"""

from collections.abc import Mapping
from functools import partial

from lab.bench import compiled, procfs, report, turns
from lab.bench.record import Record
from lab.bench.servers import options, plan
from lab.bench.servers.cast import CAST
from lab.bench.servers.contenders import SELECT, SERVERS
from lab.bench.servers.row import Bench
from lab.progress import result, say
from lab.run import folder as runs
from lab.settings import ROOT


def serve(flags: Mapping[str, str | None]) -> int:
    """Run it; gives the exit code."""
    chosen = options.read(flags)
    procfs.raise_descriptors()
    bench = Bench(compiled.program("load"), chosen.window_s, chosen.connections)
    there = [SELECT, *turns.there({name: SERVERS[name] for name in chosen.peers})]
    folder = runs.create(runs.name("bench-server"))
    records: list[Record] = []
    try:
        for experiment in plan.experiments(chosen.rows):
            order = partial(turns.in_turn, experiment.contenders, experiment.present(there))
            once = partial(experiment.once, bench)
            times = chosen.repeat or experiment.repeat
            turns.repeat(experiment.name, times, order, experiment.servers, once, folder / "logs", records)
    finally:
        lines = plan.lines(chosen.rows, records)
        sections = plan.sections(chosen.rows, records)
        report.write(folder, CAST, chosen, records, lines, sections=sections)
    result(report.text(CAST, lines, sections))
    say(f"Artefacts: {folder.relative_to(ROOT)}/ (also runs/latest)")
    return turns.exit_code([*(line.outcome for line in lines), *(section.outcome for section in sections)])
