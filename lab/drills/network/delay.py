"""What leaves the server is delayed, evenly or by chance: replies come later by that, and nothing is lost."""

from collections.abc import Sequence
from typing import ClassVar

from lab.drills.clients.badly_behaved import usual_p99_ms
from lab.drills.drill import Before, Stage
from lab.drills.namespace import probe, rules
from lab.drills.namespace.fault_location import FaultLocation
from lab.drills.network.base import NetworkDrill, back_within
from rawsocket.verdict.drills.prediction import Expected

DELAY_MS = 200


class Delay(NetworkDrill):
    """Delays packets with tc's netem, where the kernel has it."""

    name = "delay"
    text = f"what leaves the server is delayed by {DELAY_MS} ms"
    needs_server = "it delays what leaves the server's container"
    jitter_ms: ClassVar[int] = 0

    def expects(self, stage: Stage, before: Before) -> list[Expected]:
        """Each reply comes later by the delay, so p99 is higher by it: by the longest one where it varies."""
        least, most = DELAY_MS, DELAY_MS + self.jitter_ms
        why = f"{least} to {most} ms more" if self.jitter_ms else f"{DELAY_MS} ms more"
        return [
            Expected("lost", 0, 0, "packets are late, none is lost"),
            Expected("typical_p99_ms", least, most + usual_p99_ms(before), why),
            back_within(1, "the last packets were late"),
        ]

    def trials(self) -> Sequence[probe.Trial]:
        """It needs tc's netem."""
        return [probe.DELAY_PACKETS]

    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """Delay what leaves by the device that reaches the clients."""
        location.run(*rules.delayed(location.device(), DELAY_MS, self.jitter_ms))


class Jitter(Delay):
    """The delay varies by chance, evenly."""

    name = "jitter"
    text = f"what leaves the server is delayed by {DELAY_MS} to {DELAY_MS + 100} ms, by chance"
    jitter_ms = 100
