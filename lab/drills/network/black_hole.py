"""Half of the connections lose all packets. Neither end is told: only a reply that does not come shows it."""

from collections.abc import Sequence
from typing import ClassVar

from lab.drills.drill import SAMPLE_S, Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.fault_location import FaultLocation
from lab.drills.network.base import STARTS_S, NetworkDrill, back_within, end_half_open, half_open, share_by, spread
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected

SHARE = 50


class BlackHole(NetworkDrill):
    """Drops all packets of half of the connections, both ways. New connections are not touched."""

    name = "black-hole"
    text = "half of the connections lose all packets, both ways"
    ways: ClassVar[Sequence[str]] = (rules.TO_SERVER, rules.FROM_SERVER)

    def seconds(self, settings: Settings) -> float:
        """Return the time in which each user has a message due, and its reply overdue."""
        return float(settings["EVERY"]) + float(settings["TIMEOUT"]) + STARTS_S

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """A message waits for the whole TIMEOUT: lost are users that had one due TIMEOUT before healing."""
        hit, timeout, every = round(before.held * SHARE / 100), stage.timeout_s, stage.every_s
        surely = share_by(stage.for_s - STARTS_S - timeout, every)
        # The kernel sends again at the latest after as long as it has waited so far: then the reply is in time.
        most = share_by(stage.for_s - (timeout - 1) / 2, every)
        least, most = hit * surely - spread(hit, surely), hit * most + spread(hit, most)
        why = f"{SHARE} % of {before.held}, who had a message due early enough"
        lost = Expected("lost", round(least), round(most), why)
        why = f"TIMEOUT {timeout:g} s after a message, one is due each {every:g} s"
        notice = Expected("notice_p50_s", timeout - SAMPLE_S, timeout + every + STARTS_S + SAMPLE_S, why)
        late = back_within(timeout, "the last message that was lost is answered or given up")
        left = half_open(stage, lost.most) if rules.TO_SERVER in self.ways else []
        told = Expected("dropped.reset", 0, 0, "neither end gets an error")
        return [lost, told, late, *left, *([notice] if surely else [])]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs sets of nft."""
        return [probe.of_rules(rules.black_hole(1, [rules.Client("192.0.2.1", 1)], self.ways))]

    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """Choose exactly half of the connections that are there."""
        location.apply(rules.black_hole(location.port, rules.share(location.clients(), SHARE), self.ways))

    def healed(self, stage: Stage) -> None:
        """End what the server still holds for users that have gone."""
        end_half_open(stage)
