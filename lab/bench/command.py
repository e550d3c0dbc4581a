"""`python -m lab bench-load`: measures the load generator against its peers, prints a table and writes it down.

Exit code: 0 every figure measured reaches what it must, 3 one does not, 4 one could not be measured, and as all verbs
1 (the bench itself failed), 2 usage, 130 interrupted. What was measured until then is written down in each case.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import runs
from lab.bench import echo, options, plan, procfs, report, table
from lab.bench.contenders import CONTENDERS, FLOOR, SESSION
from lab.bench.experiments import Bench, Experiment, Values
from lab.bench.options import Options
from lab.bench.record import STEAL, Record
from lab.errors import EXIT_MISSED, EXIT_OK, EXIT_UNKNOWN, LabError
from lab.progress import result, say
from lab.settings import ROOT

TRIES = 3


def load(flags: Mapping[str, str | None]) -> int:
    """Run it; gives the exit code."""
    chosen = options.read(flags)
    options.demand_descriptors(chosen, procfs.raise_descriptors())
    there = _there(chosen)
    program = echo.program()
    folder = runs.create(runs.name("bench-load"))
    records: list[Record] = []
    try:
        for experiment in plan.chosen(chosen.rows):
            _measure(Bench(chosen, program, folder), experiment, there, records)
    finally:
        lines = table.lines(records, chosen.rows, chosen.connections * 3 // 2)
        report.write(folder, chosen, records, lines)
    result(report.text(lines))
    say(f"Artefacts: {folder.relative_to(ROOT)}/ (also runs/latest)")
    return exit_code([line.outcome for line in lines])


def exit_code(outcomes: Sequence[str]) -> int:
    """Give the exit code of a table: doubt outranks a figure that was missed, as in a verdict."""
    if table.UNKNOWN in outcomes:
        return EXIT_UNKNOWN
    return EXIT_MISSED if table.MISSED in outcomes else EXIT_OK


def _there(chosen: Options) -> list[str]:
    """Give who can be measured here; says in one line who can't."""
    there = [SESSION, FLOOR]
    for name in chosen.peers:
        if reason := CONTENDERS[name].there():
            say(f"{CONTENDERS[name].label} is left out: {reason}")
        else:
            there.append(name)
    return there


def _measure(bench: Bench, experiment: Experiment, there: Sequence[str], records: list[Record]) -> None:
    repeat = experiment.repeat if bench.options.repeat is None else bench.options.repeat
    for repetition in range(1, repeat + 1):
        for name in plan.turns(experiment, there, repetition):
            head = f"[{experiment.name} {repetition}/{repeat}] {CONTENDERS[name].label}"
            record = _turn(bench, experiment, name, repetition, head)
            records.append(record)
            say(f"{head}: {report.sentence(record)}")


def _turn(bench: Bench, experiment: Experiment, name: str, repetition: int, head: str) -> Record:
    """One turn, repeated while the host takes too much; gives the one from which it took least."""
    found: list[Record] = []
    for number in range(1, TRIES + 1):
        folder = _logs(bench, f"{experiment.name.replace(' ', '-')}-{name}")
        values, problem = _attempt(bench, experiment, name, folder)
        found.append(Record(experiment.name, name, repetition, values, problem, number))
        if problem or not found[-1].doubtful:
            break
        again = "measured again" if number < TRIES else f"given up after {TRIES} tries: the quietest of them counts"
        say(f"{head}: the host took {found[-1].stolen:.1%} of a core (more than {STEAL:.0%}): {again}")
    return min((r for r in found if not r.problem), key=lambda r: r.stolen, default=found[-1])


def _logs(bench: Bench, turn: str) -> Path:
    """Give the folder of a turn, numbered in the order of time; the processes of the turn make it."""
    logs = bench.folder / "logs"
    return logs / f"{len(list(logs.glob('*'))) + 1:03}-{turn}"


def _attempt(bench: Bench, experiment: Experiment, name: str, folder: Path) -> tuple[Values, str]:
    try:
        return experiment.once(bench, CONTENDERS[name], folder), ""
    except LabError as error:
        if error.evidence:
            say(error.evidence)
        return {}, str(error)
