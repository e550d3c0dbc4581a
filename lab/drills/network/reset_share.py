"""The server's kernel ends 10 % of the connections with a reset, as a firewall or a crashed process would."""

from collections.abc import Sequence

from lab.drills.drill import SAMPLE_S, Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.fault_location import FaultLocation
from lab.drills.network.base import STARTS_S, NetworkDrill, back_within
from rawsocket.verdict.drills.prediction import Expected

SHARE = 10


class ResetShare(NetworkDrill):
    """Ends exactly 10 % of the connections that are there. Their users connect again."""

    name = "reset"
    text = f"{SHARE} % of the connections are reset, all at once"
    lasts = False

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Each reset connection is lost at once, and no other."""
        hit = round(before.held * SHARE / 100)
        why = f"{SHARE} % of {before.held}"
        return [
            back_within(1, "the first back-off is at most 0.5 s"),
            Expected("lost", hit, hit, why),
            Expected("dropped.reset", hit, hit, why),
            Expected("notice_p99_s", 0, STARTS_S + 1 + SAMPLE_S, "within 1 s, and the next report says so"),
            Expected("own.reset", hit, hit, "the kernel lists the same connections"),
        ]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs a kernel that ends connections when asked to."""
        return [probe.END_CONNECTIONS]

    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """Choose exactly 10 % of the connections that are there, and end them."""
        stage.measured("reset", location.end(rules.share(location.clients(), SHARE)))
