"""Pure: what one turn of one contender gave, and how turns become figures: medians, ratios of neighbouring pairs."""

import itertools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

STEAL = 0.02  # of a core: more than that, and the turn is repeated


@dataclass(frozen=True)
class Record:
    """One turn. `problem` says why there are no values; `tries` how often it was measured before it was taken."""

    experiment: str
    contender: str
    repetition: int
    values: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    tries: int = 1

    @property
    def stolen(self) -> float:
        """The share of one core that the host took meanwhile."""
        return float(self.values.get("stolen", 0.0))

    @property
    def doubtful(self) -> bool:
        """Whether the host took so much that the figures are not to be trusted."""
        return self.stolen > STEAL


def of(records: Iterable[Record], experiment: str, contender: str) -> list[Record]:
    """Give the turns of one contender that have values."""
    return [r for r in records if (r.experiment, r.contender) == (experiment, contender) and not r.problem]


def median(records: Sequence[Record], value: str) -> float | None:
    """Give the median of one value; None where no turn has it."""
    found = [r.values[value] for r in records if r.values.get(value) is not None]
    return statistics.median(found) if found else None


def pair_ratios(records: Sequence[Record], experiment: str, contender: str, against: str, value: str) -> list[float]:
    """Give the ratios of a contender's value to that of the turns just before and just after its own, where those
    are of `against` and of the same repetition.
    """
    turns = [r for r in records if r.experiment == experiment]
    pairs = [pair for neighbours in itertools.pairwise(turns) for pair in (neighbours, neighbours[::-1])]
    found = []
    for mine, other in pairs:
        if (mine.contender, other.contender) != (contender, against) or mine.repetition != other.repetition:
            continue
        if not mine.problem and not other.problem:
            found.append(mine.values[value] / other.values[value])
    return found


def problems(records: Iterable[Record], experiment: str, contender: str) -> list[str]:
    """Give why turns of a contender have no values."""
    return [r.problem for r in records if (r.experiment, r.contender) == (experiment, contender) and r.problem]


def worst_steal(records: Iterable[Record], experiment: str) -> float | None:
    """Give the largest share of a core that the host took in any turn of an experiment."""
    return max((r.stolen for r in records if r.experiment == experiment and not r.problem), default=None)
