"""A worker's network is cut: the master no longer hears it, so what became of its users is unknown, with its name."""

from collections.abc import Sequence

from lab.drills.drill import Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.helper import Helper
from lab.drills.network.base import NetworkDrill, part_of
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

# Locust's master misses a worker after three heartbeats of a second.
MISSED_S = 5.0


class WorkerCut(NetworkDrill):
    """Drops everything that leaves or reaches the first worker, its load and its reports alike."""

    name = "worker-cut"
    text = "a worker loses its network: its figures are unknown"
    role = "worker"
    on_target = True

    def unfit(self, settings: Settings) -> str:
        """Another worker has to go on."""
        return "" if settings.workers > 1 else "with WORKERS=1 nothing is left to be watched: set WORKERS=2"

    def seconds(self, settings: Settings) -> float:
        """Return twice the time after which the master misses a worker."""
        return 2 * MISSED_S

    def unknown(self, stage: Stage) -> tuple[str, ...]:
        """Return the worker's name."""
        return (part_of(stage, self.role).service,)

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """The others go on untouched: what they hold stays held."""
        rest = before.held - -(-before.held // stage.workers)
        return [Expected("held_min", rest, None, f"{stage.workers - 1} of {stage.workers} workers go on")]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs nft alone."""
        return [probe.of_rules(rules.cut())]

    def inject(self, stage: Stage, helper: Helper) -> None:
        """Cut it."""
        helper.run("nft", "-f", "-", text=rules.cut())
