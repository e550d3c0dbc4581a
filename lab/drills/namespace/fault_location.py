"""Where a fault in the network is brought about: in the server's container, or, with TARGET, in those of all workers.

The lab can't enter the network of a TARGET, but all that its own load exchanges with it passes the workers' networks.
The same rules apply there: they match the port of the server, and the clients' addresses and ports.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import cast

from lab.drills.drill import Stage
from lab.drills.namespace import container, rules
from lab.drills.namespace.helper import Helper
from lab.engines.docker.container import ContainerPart
from lab.engines.identity import PROJECT_LABEL
from rawsocket.target import Target, parse


class FaultLocation:
    """The helpers of one side. `at_server`: they are in the server's network, else in the workers'."""

    def __init__(self, helpers: Sequence[Helper], port: int, at_server: bool) -> None:
        self.helpers = helpers
        self.at_server = at_server
        self.port = port

    def run(self, *command: str, text: str = "") -> str:
        """Run a command in each of the networks; gives all that they print."""
        return "".join(helper.run(*command, text=text) for helper in self.helpers)

    def apply(self, text: str) -> None:
        """Apply rules of nft."""
        self.run("nft", "-f", "-", text=text)

    def clients(self) -> list[rules.Client]:
        """Return the established connections to the server, as the kernel lists them on this side, in order."""
        if self.at_server:
            return rules.servers_side(self.run("ss", "-Htn", "state", "established", f"sport = :{self.port}"))
        return rules.clients_side(self.run("ss", "-Htn", "state", "established", f"dport = :{self.port}"))

    def device(self) -> str:
        """Return the device by which the server reaches its clients."""
        client = self.clients()[0]
        return str(json.loads(self.run("ip", "-json", "route", "get", client.address))[0]["dev"])

    def end(self, clients: Sequence[rules.Client]) -> int:
        """End connections with a reset; gives how many the kernel has ended."""
        filters = rules.filters(self.port, clients, self.at_server)
        return len("".join(self.run("ss", "-K", "-Htn", one) for one in filters).splitlines())


@contextlib.contextmanager
def location_of(stage: Stage, role: str) -> Iterator[FaultLocation]:
    """Enter the networks of all parts of a role. They are healed and left at the end, whatever happens."""
    with contextlib.ExitStack() as entered:
        helpers = [entered.enter_context(helper_of(cast(ContainerPart, part))) for part in stage.parts(role)]
        yield FaultLocation(helpers, server(stage).port, at_server=role == "server")


def helper_of(part: ContainerPart) -> Helper:
    """Return a helper for the network of a container."""
    return Helper(part.service, container.command(part.id, part.label(PROJECT_LABEL)))


def helper_in(stage: Stage, role: str) -> Helper:
    """Return a helper for the network of the first part of a role; it is started as a context manager."""
    return helper_of(part_of(stage, role))


def part_of(stage: Stage, role: str) -> ContainerPart:
    """Return the first container of a role."""
    return cast(ContainerPart, stage.parts(role)[0])


def server(stage: Stage) -> Target:
    """Return the server's address as workers know it: TARGET, or the lab's own."""
    worker = part_of(stage, "worker")
    return parse(worker.environment("TARGET") or worker.environment("HOLDFAST_SERVER"))
