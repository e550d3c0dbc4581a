"""How contenders take turns: in which order, and once more while the host takes too much; what a table ends with."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bench.harness.line import MISSED, UNKNOWN
from bench.harness.record import STEAL, Record
from bench.harness.report import sentence
from lab.errors import EXIT_MISSED, EXIT_OK, EXIT_UNKNOWN, LabError
from lab.progress import say

TRIES = 3
Once = Callable[[Path], dict[str, Any]]


class Contender(Protocol):
    """What is said of a contender, and whether it can be measured here: `there` says why not, or ""."""

    @property
    def label(self) -> str:
        """Its name for people."""

    @property
    def there(self) -> Callable[[], str]:
        """Why it can't be measured, or ""."""


C = TypeVar("C", bound=Contender)


def there(contenders: Mapping[str, Contender]) -> list[str]:
    """Give the names of those that can be measured here; says in one line who can't."""
    found = []
    for name, contender in contenders.items():
        if reason := contender.there():
            say(f"{contender.label} is left out: {reason}")
        else:
            found.append(name)
    return found


def in_turn(contenders: Sequence[str], there: Sequence[str], repetition: int) -> list[str]:
    """Give those that are there, in order; every other repetition (1, 2, ...) in reverse."""
    found = [name for name in contenders if name in there]
    return found[::-1] if repetition % 2 == 0 else found


def exit_code(outcomes: Sequence[str]) -> int:
    """Give the exit code of a table: doubt outranks a figure that was missed, as in a verdict."""
    if UNKNOWN in outcomes:
        return EXIT_UNKNOWN
    return EXIT_MISSED if MISSED in outcomes else EXIT_OK


def repeat(
    experiment: str,
    times: int,
    names: Callable[[int], Sequence[str]],
    contenders: Mapping[str, C],
    once: Callable[[C, Path], dict[str, Any]],
    logs: Path,
    records: list[Record],
) -> None:
    """Have contenders measured so many times, each time in the order that `names` gives; adds to `records`."""
    for repetition in range(1, times + 1):
        for name in names(repetition):
            head = f"[{experiment} {repetition}/{times}] {contenders[name].label}"
            turn = Record(experiment, name, repetition)
            records.append(take(partial(once, contenders[name]), logs, turn, head))
            say(f"{head}: {sentence(records[-1])}")


def take(once: Once, logs: Path, record: Record, head: str) -> Record:
    """Measure one turn, again while the host takes too much; gives `record` with what was found.

    The turn from which the host took least counts. `once` gets a folder of its own for its logs.
    """
    found: list[Record] = []
    for tries in range(1, TRIES + 1):
        found.append(_attempt(once, _numbered(logs, record), record, tries))
        if found[-1].problem or not found[-1].doubtful:
            break
        again = "measured again" if tries < TRIES else f"given up after {TRIES} tries: the quietest of them counts"
        say(f"{head}: the host took {found[-1].stolen:.1%} of a core (more than {STEAL:.0%}): {again}")
    return min((r for r in found if not r.problem), key=lambda r: r.stolen, default=found[-1])


def _numbered(logs: Path, record: Record) -> Path:
    """Give the folder of a turn, numbered in the order of time; the processes of the turn make it."""
    return logs / f"{len(list(logs.glob('*'))) + 1:03}-{record.experiment.replace(' ', '-')}-{record.contender}"


def _attempt(once: Once, folder: Path, record: Record, tries: int) -> Record:
    try:
        values, problem = once(folder), ""
    except LabError as error:
        if error.evidence:
            say(error.evidence)
        values, problem = {}, str(error)
    return Record(record.experiment, record.contender, record.repetition, values, problem, tries)
