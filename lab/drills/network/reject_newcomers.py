"""New connections are refused; those that are held go on, as behind a firewall that was just changed."""

from collections.abc import Sequence

from lab.drills.drill import Before, Stage
from lab.drills.namespace import newcomers, probe, rules
from lab.drills.namespace.fault_location import FaultLocation, helper_in, server
from lab.drills.network.base import NetworkDrill, back_within
from rawsocket.verdict.drills.prediction import Expected

COUNT = 50


class RejectNewcomers(NetworkDrill):
    """Refuses each new connection, with a reset. The drill itself brings 50 newcomers from a worker's network."""

    name = "newcomers-rejected"
    text = "new connections are refused; those that are held go on"

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Nothing that is held is touched; all newcomers are refused."""
        return [
            back_within(0, "nothing was disturbed"),
            Expected("lost", 0, 0, "rules match first packets alone"),
            Expected("held_min", before.held, None, "nobody has to connect again"),
            Expected("own.refused", COUNT, COUNT, f"all of {COUNT} newcomers"),
        ]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs nft's reject."""
        return [probe.of_rules(rules.reject_newcomers(1, at_server=True))]

    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """Refuse from now on."""
        location.apply(rules.reject_newcomers(location.port, location.at_server))

    def observe(self, stage: Stage, location: FaultLocation) -> None:
        """Let newcomers try."""
        target = server(stage)
        with helper_in(stage, "worker") as worker:
            found = newcomers.connect(worker, target.host, target.port, COUNT, stage.timeout_s)
        stage.measured("refused", found.count(newcomers.REFUSED))
