"""Pure: what one trial of one contender gave, and figures from trials: medians, ratios of neighbouring trials."""

import itertools
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

STEAL = 0.02  # of a core: with more than that, the trial is repeated
Values = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """One trial. `problem` says why there are no values; `tries` is how often it was measured before it counted."""

    experiment: str
    contender: str
    repetition: int
    values: Values = field(default_factory=dict)
    problem: str = ""
    tries: int = 1

    @property
    def stolen(self) -> float:
        """CPU time that the host stole meanwhile, as a share of one core."""
        return float(self.values.get("stolen", 0.0))

    @property
    def doubtful(self) -> bool:
        """Whether the host stole so much that the figures can't be trusted."""
        return self.stolen > STEAL


def of(records: Iterable[Record], experiment: str, contender: str) -> list[Record]:
    """Return the trials of one contender that have values."""
    return [r for r in records if (r.experiment, r.contender) == (experiment, contender) and not r.problem]


def median(records: Sequence[Record], value: str) -> float | None:
    """Return the median of one value; None if no trial has it."""
    found = [r.values[value] for r in records if r.values.get(value) is not None]
    return statistics.median(found) if found else None


def pair_ratios(records: Sequence[Record], experiment: str, contender: str, against: str, value: str) -> list[float]:
    """Return the ratios of a contender's value to that of the trials just before and after it, if those are trials of
    `against` in the same repetition. One of 0 is left out: CPU times are counted in ticks of 10 ms.
    """
    trials = [r for r in records if r.experiment == experiment]
    pairs = [pair for neighbours in itertools.pairwise(trials) for pair in (neighbours, neighbours[::-1])]
    found = []
    for ours, other in pairs:
        if (ours.contender, other.contender) != (contender, against) or ours.repetition != other.repetition:
            continue
        if not ours.problem and not other.problem and other.values[value]:
            found.append(ours.values[value] / other.values[value])
    return found


def problems(records: Iterable[Record], experiment: str, contender: str) -> list[str]:
    """Return the reasons why trials of a contender have no values."""
    return [r.problem for r in records if (r.experiment, r.contender) == (experiment, contender) and r.problem]


def worst_steal(records: Iterable[Record], experiment: str) -> float | None:
    """Return the largest steal in any trial of an experiment, as a share of one core."""
    return max((r.stolen for r in records if r.experiment == experiment and not r.problem), default=None)
