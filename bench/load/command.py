"""`python -m lab bench-load`: measures the load generator against its peers, prints a table and writes it down.

Exit code: 0 every figure reaches what it must, 3 one does not, 4 one could not be measured, and as for all verbs 1 (the
benchmark itself failed), 2 usage, 130 interrupted. In each case what was measured until then is written down.
"""

from collections.abc import Mapping
from functools import partial

from bench import settings
from bench.harness import procfs, report, trials
from bench.load import echo_server, table, trial_order
from bench.load.contenders import CONTENDERS, FLOOR, SESSION
from bench.load.experiments import LoadBench
from bench.results.record import Record
from bench.settings import LoadOptions
from lab.errors import UsageError
from lab.progress import result, say
from lab.run import folder as runs
from lab.settings import ROOT


def run(flags: Mapping[str, str | None]) -> int:
    """Run the benchmark; return the exit code."""
    chosen = settings.read_load(flags)
    check_descriptors(chosen, procfs.raise_descriptors())
    available = [SESSION, FLOOR, *trials.available({name: CONTENDERS[name] for name in chosen.peers})]
    program = echo_server.program()
    folder = runs.create(runs.name("bench-load"))
    bench = LoadBench(chosen, program, folder)
    records: list[Record] = []
    try:
        for experiment in trial_order.chosen(chosen.rows):
            order = partial(trial_order.order, experiment, available)
            measure = partial(experiment.measure, bench)
            times = chosen.repeat or experiment.repeat
            trials.repeat(experiment.name, times, order, CONTENDERS, measure, folder / "logs", records)
    finally:
        lines = table.lines(records, chosen.rows, chosen.connections * 3 // 2)
        report.write(folder, table.ROSTER, chosen, records, lines, chosen.rate / 10)
    result(report.text(table.ROSTER, lines))
    say(f"Artefacts: {folder.relative_to(ROOT)}/ (also runs/latest)")
    return trials.exit_code([line.outcome for line in lines])


def check_descriptors(options: LoadOptions, limit: int) -> None:
    """UsageError if a process may not have as many descriptors as the largest row needs."""
    most = options.connections * 3 // 2 if "arrivals" in options.rows else options.connections
    if most + 100 > limit:
        raise UsageError(
            f"{most} connections need {most + 100} descriptors per process, and the hard limit is {limit}: "
            f"raise it (ulimit -Hn), or lower CONNECTIONS (--connections)"
        )
