"""Which experiments there are, and the order of turns: contenders interleaved, reversed every other time."""

from collections.abc import Sequence

from bench.harness.trials import in_turn
from bench.load import soak, stall
from bench.load.contenders import FLOOR, SESSION
from bench.load.experiments import Experiment, arrivals, closed, hold

EXPERIMENTS = (
    Experiment("closed", ("closed",), (SESSION, "raw", "everyone", "tuned", "tsung"), 3, closed, paired=True),
    Experiment("hold", ("memory", "cpu", "lag"), (SESSION, "everyone", "raw", "tuned", "tsung", FLOOR), 2, hold),
    Experiment("arrivals", ("arrivals",), (SESSION, "raw", "everyone", "tsung"), 2, arrivals),
    Experiment("stall 100", ("stall",), (SESSION, "everyone"), 2, stall.small),
    Experiment("stall 1000", ("stall",), (SESSION,), 2, stall.large),
    Experiment("soak", ("soak",), (SESSION,), 1, soak.soak),
)


def chosen(rows: Sequence[str]) -> list[Experiment]:
    """Give the experiments that fill these rows."""
    return [experiment for experiment in EXPERIMENTS if set(experiment.rows) & set(rows)]


def turns(experiment: Experiment, there: Sequence[str], repetition: int) -> list[str]:
    """Give the contenders of one repetition (1, 2, ...) in order, out of those that are there."""
    order = in_turn(experiment.contenders, there, repetition)
    if not experiment.paired:
        return order
    return [FLOOR, *(name for contender in order for name in (contender, FLOOR))]
