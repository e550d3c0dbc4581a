"""Trials: one trial measures one contender once. In which order, and again while the host steals too much CPU time."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from bench.harness.report import sentence
from bench.results.line import MISSED, UNKNOWN
from bench.results.record import STEAL, Record, Values
from lab.errors import EXIT_MISSED, EXIT_OK, EXIT_UNKNOWN, LabError
from lab.progress import say

TRIES = 3
Measure = Callable[[Path], Values]


class Contender(Protocol):
    """One of those that are compared."""

    @property
    def label(self) -> str:
        """Its name for people."""

    @property
    def unavailable(self) -> Callable[[], str]:
        """Return the reason why it can't be measured here, or ""."""


C = TypeVar("C", bound=Contender)


def available(contenders: Mapping[str, Contender]) -> list[str]:
    """Return the names of the contenders that can be measured here; says in one line which are left out, and why."""
    found = []
    for name, contender in contenders.items():
        if reason := contender.unavailable():
            say(f"{contender.label} is left out: {reason}")
        else:
            found.append(name)
    return found


def interleaved(contenders: Sequence[str], available: Sequence[str], repetition: int) -> list[str]:
    """Return the available contenders in order; every other repetition (1, 2, ...) in reverse."""
    found = [name for name in contenders if name in available]
    return found[::-1] if repetition % 2 == 0 else found


def exit_code(outcomes: Sequence[str]) -> int:
    """Return the exit code of a table: an unknown figure outranks a missed one, as in a verdict."""
    if UNKNOWN in outcomes:
        return EXIT_UNKNOWN
    return EXIT_MISSED if MISSED in outcomes else EXIT_OK


def repeat(
    experiment: str,
    times: int,
    order: Callable[[int], Sequence[str]],
    contenders: Mapping[str, C],
    measure: Callable[[C, Path], Values],
    logs: Path,
    records: list[Record],
) -> None:
    """Measure the contenders so many times, each time in the order that `order` returns; adds to `records`."""
    for repetition in range(1, times + 1):
        for name in order(repetition):
            head = f"[{experiment} {repetition}/{times}] {contenders[name].label}"
            trial = Record(experiment, name, repetition)
            records.append(run(partial(measure, contenders[name]), logs, trial, head))
            say(f"{head}: {sentence(records[-1])}")


def run(measure: Measure, logs: Path, record: Record, head: str) -> Record:
    """Run one trial, again while the host steals too much; return `record` with what was measured.

    The try with the least steal counts. `measure` gets a folder of its own for its logs.
    """
    found: list[Record] = []
    for tries in range(1, TRIES + 1):
        found.append(_try(measure, _numbered(logs, record), record, tries))
        if found[-1].problem or not found[-1].doubtful:
            break
        again = "measured again" if tries < TRIES else f"given up after {TRIES} tries: the one with the least counts"
        say(f"{head}: the host stole {found[-1].stolen:.1%} of a core (more than {STEAL:.0%}): {again}")
    return min((r for r in found if not r.problem), key=lambda r: r.stolen, default=found[-1])


def _numbered(logs: Path, record: Record) -> Path:
    """Return the folder of a trial, numbered in the order of time; the processes of the trial create it."""
    return logs / f"{len(list(logs.glob('*'))) + 1:03}-{record.experiment.replace(' ', '-')}-{record.contender}"


def _try(measure: Measure, folder: Path, record: Record, tries: int) -> Record:
    try:
        values, problem = measure(folder), ""
    except LabError as error:
        if error.evidence:
            say(error.evidence)
        values, problem = {}, str(error)
    return Record(record.experiment, record.contender, record.repetition, values, problem, tries)
