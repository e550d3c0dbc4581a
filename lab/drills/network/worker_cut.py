"""A worker's network is cut: the master no longer hears it, so what became of its users is unknown, with its name."""

from collections.abc import Sequence

from lab.drills.drill import Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.helper import Helper
from lab.drills.network.base import NetworkDrill
from lab.drills.processes.worker_lost import WorkerLost


class WorkerCut(NetworkDrill, WorkerLost):
    """Drops everything that leaves or reaches the first worker, its load and its reports alike."""

    name = "worker-cut"
    text = "a worker loses its network: what it did is unknown, with its name"
    role = "worker"
    on_target = True

    def trials(self) -> Sequence[probe.Trial]:
        """It needs nft alone."""
        return [probe.of_rules(rules.cut())]

    def inject(self, stage: Stage, helper: Helper) -> None:
        """Cut it."""
        helper.run("nft", "-f", "-", text=rules.cut())
