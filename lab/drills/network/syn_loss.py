"""30 % of the first packets of new connections are lost: connect times come in steps, those that are held go on."""

from collections.abc import Sequence

from lab.drills.drill import Before, Stage
from lab.drills.namespace import newcomers, probe, rules
from lab.drills.namespace.fault_location import FaultLocation, helper_in, server
from lab.drills.network.base import NetworkDrill, back_within, spread
from rawsocket.verdict.drills.prediction import Expected

LOST = 0.3
COUNT = 400
WAIT_S = 10.0
# A busy machine answers later than its kernel repeats; the next step is a second away at least.
LATE_S = 0.5


class SynLoss(NetworkDrill):
    """Drops SYNs by chance. Newcomers of the drill's own connect to a listener beside it."""

    name = "syn-loss"
    text = f"{LOST:.0%} of the first packets of new connections are lost"

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """0.7 connect at once, 0.7 x 0.3 at the second step, and so on."""
        found = [back_within(0, "nothing that is held was disturbed")]
        found.append(Expected("lost", 0, 0, "held connections send no such packets"))
        for number, name in enumerate(("first", "second")):
            share = (1 - LOST) * LOST**number
            least, most = (COUNT * share + sign * spread(COUNT, share) for sign in (-1, 1))
            found.append(Expected(f"own.{name}_step", round(least), round(most), f"{COUNT} x 0.7 x 0.3^{number}"))
        return [*found, Expected("own.between_steps", 0, 0, "the kernel repeats at fixed times")]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs nft's numgen."""
        return [probe.of_rules(rules.lose_syns([1], 30, at_server=True))]

    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """Lose first packets to the server, and to a listener of the drill's; then let newcomers connect to that."""
        port = newcomers.listen(location.helpers[0])
        location.apply(rules.lose_syns([location.port, port], round(100 * LOST), location.at_server))
        stage.began()
        host = server(stage).host if location.at_server else "127.0.0.1"
        with helper_in(stage, "worker") as worker:
            steps = newcomers.steps(newcomers.linear_timeouts(worker), WAIT_S)
            times = newcomers.connect(worker, host, port, COUNT, WAIT_S)
        took = [time for time in times if isinstance(time, float)]
        at = [[time for time in took if step <= time < step + LATE_S] for step in steps]
        stage.measured("first_step", len(at[0]))
        stage.measured("second_step", len(at[1]))
        stage.measured("between_steps", len(took) - sum(map(len, at)))
        stage.find(f"first packets are sent after {', '.join(f'{step:g}' for step in steps)} s")
