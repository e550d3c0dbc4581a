"""A worker's network is cut: the master no longer hears it, so what became of its users is unknown, with its name."""

from collections.abc import Sequence

from lab.drills.drill import Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.helper import Helper
from lab.drills.network.base import NetworkDrill
from lab.drills.processes.worker_lost import WorkerLost
from rawsocket.verdict.drills.prediction import Expected


class WorkerCut(NetworkDrill, WorkerLost):
    """Drops everything that leaves or reaches the first worker, its load and its reports alike."""

    name = "worker-cut"
    text = "a worker loses its network: what it did is unknown, with its name"
    role = "worker"
    on_target = True

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """As where a worker is killed; but this one comes back, and may tell that its own users have lost theirs."""
        share = before.held - self.keeps(stage, before)
        own = Expected("lost", 0, share, f"its own {share} users at most, if it still says so")
        return [own, *(one for one in super().expects(stage, before) if one.figure != "lost")]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs nft alone."""
        return [probe.of_rules(rules.cut())]

    def inject(self, stage: Stage, helper: Helper) -> None:
        """Cut it."""
        helper.run("nft", "-f", "-", text=rules.cut())
