"""The experiments, and the order of trials: generators interleaved, in reverse every other time."""

from collections.abc import Sequence

from bench.harness.trials import interleaved
from bench.load import soak, stall
from bench.load.contenders import FLOOR, SESSION
from bench.load.experiments import LoadExperiment, arrivals, closed, hold
from bench.load.features import experiments as features

EXPERIMENTS = (
    LoadExperiment("closed", ("closed",), (SESSION, "raw", "typical", "tuned", "tsung"), 3, closed, paired=True),
    LoadExperiment("hold", ("memory", "cpu", "lag"), (SESSION, "typical", "raw", "tuned", "tsung", FLOOR), 2, hold),
    LoadExperiment("arrivals", ("arrivals",), (SESSION, "raw", "typical", "tsung"), 2, arrivals),
    LoadExperiment("stall 100", ("stall",), (SESSION, "typical"), 2, stall.small),
    LoadExperiment("stall 1000", ("stall",), (SESSION,), 2, stall.large),
    LoadExperiment("tls", ("tls",), (SESSION,), 3, features.tls),
    LoadExperiment("tls held", ("tls",), (SESSION,), 2, features.tls_held),
    LoadExperiment("tls handshakes", ("tls",), (SESSION,), 2, features.tls_handshakes),
    LoadExperiment("ids", ("ids",), (SESSION,), 3, features.ids),
    LoadExperiment("heartbeats", ("heartbeats",), (SESSION,), 3, features.heartbeats),
    LoadExperiment("conversation", ("conversation",), (SESSION,), 3, features.conversation),
    LoadExperiment("conversation held", ("conversation",), (SESSION,), 3, features.conversation_held),
    LoadExperiment("soak", ("soak",), (SESSION,), 1, soak.soak),
)


def chosen(rows: Sequence[str]) -> list[LoadExperiment]:
    """Return the experiments that fill these rows."""
    return [experiment for experiment in EXPERIMENTS if set(experiment.rows) & set(rows)]


def order(experiment: LoadExperiment, available: Sequence[str], repetition: int) -> list[str]:
    """Return the available generators of one repetition (1, 2, ...) in order."""
    found = interleaved(experiment.generators, available, repetition)
    if not experiment.paired:
        return found
    return [FLOOR, *(name for generator in found for name in (generator, FLOOR))]
