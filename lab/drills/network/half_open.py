"""Half-open connections: the server is gone and back, and its clients were not told. Who is silent never notices."""

from collections.abc import Sequence

from lab.drills.drill import SAMPLE_S, Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.fault_location import FaultLocation
from lab.drills.network.base import NetworkDrill, back_within
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

# Until the server listens again.
RESTART_S = 5.0


class HalfOpen(NetworkDrill):
    """Drops FIN and RST while the server's container is killed, then starts it again."""

    name = "half-open"
    text = "the server is killed and restarted without its clients being told"
    needs_server = "the server has to be restarted"

    def seconds(self, settings: Settings) -> float:
        """Return the time in which each user has a message due."""
        return float(settings["EVERY"]) + 2 * RESTART_S

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """A user notices when it speaks next: the new server knows nothing of its connection, and resets it."""
        every = stage.every_s
        back = back_within(0, "those that noticed have connected again")
        if not every:
            return [back, Expected("lost", 0, 0, "EVERY=0: silent users never notice, for want of a heartbeat")]
        why = f"each speaks within {every:g} s, and the server listens again within {RESTART_S:g} s"
        return [
            back,
            Expected("lost", before.held, before.held, "all were held by it"),
            Expected("dropped.closed", 0, 0, "the end of the old server was not told"),
            Expected("notice_p99_s", 0, every + RESTART_S + SAMPLE_S, why),
            Expected("notice_p50_s", every / 4, None, "not at once, as with a server that is killed"),
        ]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs nft's flags of TCP."""
        return [probe.of_rules(rules.no_farewell(1))]

    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """Kill the server in silence; its container has a network of its own again once it is started."""
        location.apply(rules.no_farewell(location.port))
        stage.lab.kill_server(stage.began)
        stage.lab.restart_server()
        if not stage.every_s:
            stage.find("silent users have not noticed that their server is gone: only a heartbeat would show it")
