"""A worker's network is cut: the master no longer hears it, so what became of its users is unknown, with its name."""

import contextlib
from collections.abc import Iterator, Sequence

from lab.drills.drill import Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.fault_location import FaultLocation, helper_in, server
from lab.drills.network.base import NetworkDrill
from lab.drills.processes.worker_lost import WorkerLost
from rawsocket.verdict.drills.prediction import Expected


class WorkerCut(NetworkDrill, WorkerLost):
    """Drops everything that leaves or reaches the first worker, its load and its reports alike."""

    name = "worker-cut"
    text = "a worker loses its network: what it did is unknown, with its name"

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """As where a worker is killed; but this one comes back, and may tell that its own users have lost theirs."""
        share = before.held - self.keeps(stage, before)
        own = Expected("lost", 0, share, f"its own {share} users at most, if it still says so")
        return [own, *(one for one in super().expects(stage, before) if one.figure != "lost")]

    @contextlib.contextmanager
    def entered(self, stage: Stage) -> Iterator[FaultLocation]:
        """Enter the network of the first worker alone."""
        with helper_in(stage, "worker") as helper:
            yield FaultLocation([helper], server(stage).port, at_server=False)

    def trials(self) -> Sequence[probe.Trial]:
        """It needs nft alone."""
        return [probe.of_rules(rules.cut())]

    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """Cut it."""
        location.apply(rules.cut())
