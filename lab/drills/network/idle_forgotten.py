"""A middlebox that forgets idle connections, as NAT and load balancers do: later packets vanish, and nobody is told."""

from collections.abc import Sequence

from lab.drills.drill import SAMPLE_S, Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.fault_location import FaultLocation
from lab.drills.network.base import STARTS_S, NetworkDrill, back_within, end_half_open
from lab.settings import Settings
from rawsocket.verdict.drills.prediction import Expected


def memory_s(every_s: float) -> float:
    """Return after how much silence the middlebox forgets: half the time between two messages."""
    return every_s / 2


class IdleForgotten(NetworkDrill):
    """Drops packets of a connection that was silent for EVERY / 2 seconds, so each is forgotten before it speaks."""

    name = "idle-forgotten"
    text = "a middlebox forgets connections that are silent for half of EVERY"

    def unfit(self, settings: Settings) -> str:
        """Without messages nobody notices."""
        return "" if float(settings["EVERY"]) else "with EVERY=0 no user speaks, so none notices: set EVERY"

    def seconds(self, settings: Settings) -> float:
        """Return the time in which each connection is forgotten, speaks, and misses its reply."""
        every = float(settings["EVERY"])
        return memory_s(every) + every + float(settings["TIMEOUT"]) + STARTS_S

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Each user is silent for longer than the middlebox remembers, so each is lost, TIMEOUT after it has spoken."""
        x, every, timeout = memory_s(stage.every_s), stage.every_s, stage.timeout_s
        why = f"silent for {every:g} s, remembered for {x:g} s, then TIMEOUT {timeout:g} s"
        least = before.held if stage.for_s >= x + every + timeout + STARTS_S else 0
        return [
            back_within(timeout, "the last message that was lost is given up"),
            Expected("lost", least, None, why),
            Expected("dropped.reset", 0, 0, "packets vanish, neither end gets an error"),
            Expected("notice_p50_s", x + timeout - SAMPLE_S, x + every + timeout + STARTS_S + SAMPLE_S, why),
        ]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs nft's sets with timeouts."""
        return [probe.of_rules(rules.forget_idle(1, [rules.Client("192.0.2.1", 1)], 1))]

    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """Let the middlebox know the connections that are there."""
        x = memory_s(stage.every_s)
        location.apply(rules.forget_idle(location.port, location.clients(), x))
        stage.find(f"a heartbeat each {x:g} s at most keeps connections alive; users speak each {stage.every_s:g} s")

    def healed(self, stage: Stage) -> None:
        """End what the server still holds for users that have gone."""
        end_half_open(stage)
