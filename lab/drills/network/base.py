"""What network drills share: their helpers in the lab's containers, what they try out beforehand, whom they hit."""

import contextlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, cast

from lab.drills.drill import DOCKER, SAMPLE_S, Drill, Stage
from lab.drills.namespace import container, probe
from lab.drills.namespace.helper import Helper
from lab.drills.namespace.rules import Client, clients_side, filters, servers_side
from lab.engines.docker.container import ContainerPart
from lab.engines.identity import PROJECT_LABEL
from lab.settings import Settings
from rawsocket.target import Target, parse
from rawsocket.verdict.drills.prediction import Expected

# Of the length of a fault: until its helper has started.
STARTS_S = 3.0
# How often the server's connections are compared with those of the workers, within TIMEOUT after healing.
LOOKS = 3
HELPERS_OWN = "a network of its own"


class NetworkDrill(Drill):
    """A fault in the network of one container of the lab. `role`: of the container whose network it changes."""

    engines = frozenset({DOCKER})
    role: ClassVar[str] = "server"

    def prepare(self, settings: Settings) -> str:
        """Build the helper's image; return what this machine's kernel lacks for the drill, "" for nothing."""
        container.build(settings["BASE_IMAGE"])
        with Helper(HELPERS_OWN, container.command(container.NO_NETWORK)) as helper:
            lacking = probe.lacking(self.trials(), helper)
        return f"this machine's kernel lacks {' and '.join(lacking)}" if lacking else ""

    @contextlib.contextmanager
    def injected(self, stage: Stage) -> Iterator[None]:
        """Change the network of the first part of `role`; the helper heals it when the block is left."""
        with helper_in(stage, self.role) as helper:
            self.inject(stage, helper)
            yield
            self.observe(stage, helper)
        self.healed(stage)

    @abstractmethod
    def trials(self) -> Sequence[probe.Trial]:
        """Return what the kernel has to be able to do."""

    @abstractmethod
    def inject(self, stage: Stage, helper: Helper) -> None:
        """Bring the fault about."""

    def observe(self, stage: Stage, helper: Helper) -> None:
        """Measure what the drill has figures of, just before the fault is healed."""
        return

    def healed(self, stage: Stage) -> None:
        """Measure what is left, just after the fault was healed."""
        return


def helper_in(stage: Stage, role: str) -> Helper:
    """Return a helper for the network of the first part of a role; it is started as a context manager."""
    return helper_of(part_of(stage, role))


def helper_of(part: ContainerPart) -> Helper:
    """Return a helper for the network of a container."""
    return Helper(part.service, container.command(part.id, part.label(PROJECT_LABEL)))


def part_of(stage: Stage, role: str) -> ContainerPart:
    """Return the first container of a role."""
    return cast(ContainerPart, stage.parts(role)[0])


def server(stage: Stage) -> Target:
    """Return the server's address as workers know it."""
    return parse(part_of(stage, "worker").environment("HOLDFAST_SERVER"))


def clients(helper: Helper, port: int) -> list[Client]:
    """Return the connections to the server's port, as its own kernel lists them."""
    return servers_side(helper.run("ss", "-Htn", "state", "established", f"sport = :{port}"))


def end_half_open(stage: Stage) -> int:
    """End connections that the server holds and no worker knows: how many. Otherwise it would hold them for ever.

    Until there are none: users that were still waiting for a reply when the fault was healed may give up meanwhile.
    """
    port, ended = server(stage).port, 0
    with contextlib.ExitStack() as helpers:
        ours = helpers.enter_context(helper_in(stage, "server"))
        workers = [helpers.enter_context(helper_of(cast(ContainerPart, part))) for part in stage.parts("worker")]
        for _ in range(LOOKS):
            held, known = set(clients(ours, port)), set[Client]()
            for worker in workers:
                known.update(clients_side(worker.run("ss", "-Htn", "state", "connected", f"dport = :{port}")))
            # Those that a user has just closed are no longer there.
            left = [one for one in clients(ours, port) if one in held and one not in known]
            for one in filters(port, left):
                ours.run("ss", "-K", "-Htn", one)
            ended += len(left)
            stage.wait(stage.timeout_s / LOOKS)
    return ended


def share_by(seconds: float, every_s: float) -> float:
    """Return the share of users that have a message due within so many seconds: their slots are spread evenly."""
    return min(1.0, max(0.0, seconds / every_s)) if every_s else 0.0


def back_within(seconds: float, why: str) -> Expected:
    """Return the prediction of a recovery so many seconds after healing at the latest, as it is seen in reports."""
    return Expected("recover_s", most=seconds + 2 * SAMPLE_S, why=why)


def spread(count: int, share: float) -> float:
    """Return how far a count may be from its mean by chance: four standard deviations."""
    return float(4 * (count * share * (1 - share)) ** 0.5)
