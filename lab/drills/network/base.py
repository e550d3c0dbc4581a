"""What network drills share: their helpers in the lab's containers, what they try out beforehand, whom they hit."""

import contextlib
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar

from lab.drills.drill import DOCKER, SAMPLE_S, Drill, Stage
from lab.drills.namespace import container, probe
from lab.drills.namespace.fault_location import FaultLocation, location_of
from lab.drills.namespace.helper import Helper
from lab.settings import Settings
from rawsocket.target import parse
from rawsocket.verdict.drills.prediction import Expected

# Of the length of a fault: until its helper has started.
STARTS_S = 3.0
# How often the server's connections are compared with those of the workers, within TIMEOUT after healing.
LOOKS = 3
HELPERS_OWN = "a network of its own"
HALF_OPEN = "half_open"


class NetworkDrill(Drill):
    """A fault in the network of the server's container, or with TARGET in those of all workers.

    `needs_server`: why it can only be brought about at the server; "": it can be at the workers as well.
    """

    engines = frozenset({DOCKER})
    on_target = True
    needs_server: ClassVar[str] = ""

    def refusal(self, engine: str, settings: Settings) -> str:
        """Return why it can't run here, such as for a TARGET whose network the lab would have to enter."""
        if (target := settings["TARGET"]) and engine in self.engines:
            if self.needs_server:
                return f"{self.needs_server}, and the lab does not run TARGET"
            if ":" in parse(target).host:
                return f"its rules match addresses of IPv4, and TARGET is {parse(target).host}"
        return super().refusal(engine, settings)

    def prepare(self, settings: Settings) -> str:
        """Build the helper's image; return what this machine's kernel lacks for the drill, "" for nothing."""
        container.build(settings["BASE_IMAGE"])
        with Helper(HELPERS_OWN, container.command(container.NO_NETWORK)) as helper:
            lacking = probe.lacking(self.trials(), helper)
        return f"this machine's kernel lacks {' and '.join(lacking)}" if lacking else ""

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Change the network on one side; the helpers heal it when the block is left."""
        with self.entered(stage) as location:
            self.inject(stage, location)
            yield
            self.observe(stage, location)
        self.healed(stage)

    def entered(self, stage: Stage) -> AbstractContextManager[FaultLocation]:
        """Return the networks that it changes."""
        return location_of(stage, "worker" if stage.settings["TARGET"] else "server")

    @abstractmethod
    def trials(self) -> Sequence[probe.Trial]:
        """Return what the kernel has to be able to do."""

    @abstractmethod
    def inject(self, stage: Stage, location: FaultLocation) -> None:
        """Bring the fault about."""

    def observe(self, stage: Stage, location: FaultLocation) -> None:
        """Measure what the drill has figures of, just before the fault is healed."""
        return

    def healed(self, stage: Stage) -> None:
        """Measure what is left, just after the fault was healed."""
        return


def half_open(stage: Stage, most: float | None) -> list[Expected]:
    """Return the prediction of connections that the server still holds for users that have gone; none of a TARGET.

    The kernel of a user that gave up repeats its FIN, less and less often. So the server hears of some ends once the
    fault is healed, and of the others never.
    """
    found = Expected(f"own.{HALF_OPEN}", 0, most, "it hears only of those whose FIN is repeated after healing")
    return [] if stage.settings["TARGET"] else [found]


def end_half_open(stage: Stage) -> None:
    """End connections that the server holds and no worker knows, and count them. It would hold them for ever.

    A worker knows those that are established: after its close (FIN_WAIT_1) it only waits for the server.

    Until there are none: users that were still waiting for a reply when the fault was healed may give up meanwhile.
    """
    if stage.settings["TARGET"]:
        stage.find("TARGET may still hold connections of users that gave up: the lab can neither see nor end them")
        return
    ended = 0
    with location_of(stage, "server") as ours, location_of(stage, "worker") as theirs:
        for _ in range(LOOKS):
            held, known = set(ours.clients()), set(theirs.clients())
            # Those that a user has just closed are no longer there.
            left = [one for one in ours.clients() if one in held and one not in known]
            ours.end(left)
            ended += len(left)
            stage.wait(stage.timeout_s / LOOKS)
    stage.measured(HALF_OPEN, ended)


def share_by(seconds: float, every_s: float) -> float:
    """Return the share of users that have a message due within so many seconds: their slots are spread evenly."""
    return min(1.0, max(0.0, seconds / every_s)) if every_s else 0.0


def back_within(seconds: float, why: str) -> Expected:
    """Return the prediction of a recovery so many seconds after healing at the latest, as it is seen in reports."""
    return Expected("recover_s", most=seconds + 2 * SAMPLE_S, why=why)


def spread(count: int, share: float) -> float:
    """Return how far a count may be from its mean by chance: four standard deviations."""
    return float(4 * (count * share * (1 - share)) ** 0.5)


def grown(stage: Stage, seconds: float, count: Callable[[], int]) -> float:
    """Return by how much a count grows a second, over so many seconds."""
    begun, before = time.monotonic(), count()
    stage.wait(seconds)
    return (count() - before) / (time.monotonic() - begun)
