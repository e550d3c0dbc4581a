"""`python -m lab bench-server`: measures the select server against its peers, prints a table and writes it down.

Exit code: as for bench-load.
"""

from collections.abc import Mapping
from functools import partial

from bench import settings
from bench.harness import compiled, procfs, report, trials
from bench.results.record import Record
from bench.server import table
from bench.server.contenders import SELECT, SERVERS
from bench.server.roster import ROSTER
from bench.server.row import ServerBench
from lab.progress import result, say
from lab.run import folder as runs
from lab.settings import ROOT


def run(flags: Mapping[str, str | None]) -> int:
    """Run the benchmark; return the exit code."""
    chosen = settings.read_server(flags)
    procfs.raise_descriptors()
    bench = ServerBench(compiled.program("server/load"), chosen.window_s, chosen.connections)
    available = [SELECT, *trials.available({name: SERVERS[name] for name in chosen.peers})]
    folder = runs.create(runs.name("bench-server"))
    records: list[Record] = []
    try:
        for experiment in table.experiments(chosen.rows):
            order = partial(trials.interleaved, experiment.contenders, experiment.present(available))
            measure = partial(experiment.measure, bench)
            times = chosen.repeat or experiment.repeat
            trials.repeat(experiment.name, times, order, experiment.servers, measure, folder / "logs", records)
    finally:
        lines = table.lines(chosen.rows, records)
        sections = table.sections(chosen.rows, records)
        report.write(folder, ROSTER, chosen, records, lines, sections=sections)
    result(report.text(ROSTER, lines, sections))
    say(f"Artefacts: {folder.relative_to(ROOT)}/ (also runs/latest)")
    return trials.exit_code([*(line.outcome for line in lines), *(section.outcome for section in sections)])
