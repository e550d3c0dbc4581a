"""Network drills in a namespace of a test's own: its connections of a process to itself stand for a lab."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from lab import settings
from lab.drills.drill import Before, Stage
from lab.drills.namespace import container
from lab.engines.docker.container import ContainerPart
from rawsocket.verdict.drills.prediction import Expected
from tests.support.fake_sdk import Container
from tests.support.namespaces import AGENT, Connections, Namespace, namespace

#: Settings with which a drill changes the network of the server, or of the only worker.
SIDES = ({}, {"TARGET": "tcp://10.0.0.5:9000", "WORKERS": "1"})
BEFORE = Before(held=800, wanted=800, messages_s=80, p99_ms=5)


def bounds(expected: Sequence[Expected]) -> dict[str, tuple[float | None, float | None]]:
    """Return the bounds of predictions by figure; a recovery has one, however long it may take."""
    found = {one.figure: (one.least, one.most) for one in expected}
    assert found.pop("recover_s")[1]
    return found


class Lab:
    """The parts of a lab whose server has this address."""

    def __init__(self, address: str, workers: int = 2, target: str = "") -> None:
        made = [Container("server", status="running")]
        made += [Container("worker", status="running", number=number + 1) for number in range(workers)]
        for each in made:
            own = [f"HOLDFAST_SERVER={'tcp://server:8686' if target else address}", f"TARGET={target and address}"]
            each.attrs["Config"] = {"Env": own}
        self.containers = made
        self.did: list[str] = []

    def kill_server(self, killed: Callable[[], None]) -> None:
        """Note it."""
        self.did.append("kill")
        killed()

    def restart_server(self) -> None:
        """Note it."""
        self.did.append("restart")

    def parts(self) -> list[ContainerPart]:
        """Return them."""
        return [ContainerPart(each) for each in self.containers]


class Staged:
    """A stage, and what a drill has measured and found on it."""

    def __init__(self, address: str = "tcp://server:8686", for_s: float = 5.0, **given: str) -> None:
        self.own: dict[str, float] = {}
        self.findings: list[str] = []
        self.lab = Lab(address, int(given.get("WORKERS", "2")), given.get("TARGET", ""))
        self.settings = settings.read(given, {})
        lab: Any = self.lab
        self.stage = Stage(
            engine="docker", settings=self.settings, lab=lab, for_s=for_s, lease=pytest.fail, wait=time.sleep,
            measured=self.own.__setitem__, find=self.findings.append,
        )  # fmt: skip


@contextmanager
def staged(
    monkeypatch: pytest.MonkeyPatch, count: int, **given: str
) -> Iterator[tuple[Staged, Connections, Namespace]]:
    """Have `count` connections in a namespace, and a stage whose helpers work there."""
    with namespace() as here, here.connections(count) as connections:
        command = here.helper()._command[:-1]
        assert command[-1] == AGENT
        monkeypatch.setattr(container, "command", lambda network, project="": [*command, "30"])
        yield Staged(f"tcp://127.0.0.1:{connections.port}", **given), connections, here
