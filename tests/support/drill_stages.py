"""Stages of drills whose lab and parts only write down what is done to them."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lab.drills.drill import Before, Stage
from lab.engines.deployment import Deployment
from lab.settings import Settings, read
from tests.support.fake_engine import FakePart

BEFORE = Before(held=100, wanted=100, messages_s=50.0, p99_ms=2.0)


def settings(**more: str) -> Settings:
    """Settings of a load, with defaults for what is not given."""
    return read(more, {}, verb="load")


class Part(FakePart):
    """A part that says what is done to it."""

    def __init__(self, name: str, said: list[str]) -> None:
        super().__init__(name.split("-")[0])
        self.name, self._said = name, said

    def freeze(self) -> None:
        self._said.append(f"freeze {self.name}")

    def thaw(self) -> None:
        self._said.append(f"thaw {self.name}")

    def kill(self) -> None:
        self._said.append(f"kill {self.name}")

    def environment(self, name: str) -> str:
        return f"{name} of {self.name}"

    def thaw_by_others(self) -> list[dict[str, object]]:
        return [{"kind": "resume", "pid": self.name}]


class Lab(Deployment):
    """A server, a master and two workers."""

    def __init__(self, chosen: Settings, held: Mapping[int, int] | None = None) -> None:
        super().__init__(chosen)
        self.said: list[str] = []
        self.files: list[tuple[str, str]] = []
        self.began: list[list[str]] = []  # what had been done when the fault was in effect
        self.held = dict(held or {})
        self.pids = {number: 10 + number for number in self.held}
        self._parts = [Part(name, self.said) for name in ("server", "master", "worker-1", "worker-2")]

    def parts(self) -> Sequence[Part]:
        return self._parts

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def tell(self, name: str, content: str) -> None:
        self.files.append((name, content))

    def kill_server(self, killed: Callable[[], None] = lambda: None) -> None:
        self.said.append("kill server")
        killed()

    def restart_server(self) -> None:
        self.said.append("restart server")

    def server_metrics(self) -> str:
        rows = [f'holdfast_server_process_pid{{process="{number}"}} {pid}.0' for number, pid in self.pids.items()]
        rows += [f'holdfast_server_process_connections{{process="{at}"}} {n}.0' for at, n in self.held.items()]
        return "\n".join(["# TYPE x gauge", *rows])

    def signal_server(self, pid: int, number: int) -> None:
        self.said.append(f"{number} to {pid}")
        self.pids = {at: each + 100 if each == pid else each for at, each in self.pids.items()}


def stage(for_s: float = 5.0, held: Mapping[int, int] | None = None, **more: str) -> tuple[Stage, Lab]:
    """Return a stage and its lab; what is leased is in what the lab says."""
    chosen = settings(**more)
    lab = Lab(chosen, held)

    @contextlib.contextmanager
    def lease(undo: Sequence[Mapping[str, object]]) -> Iterator[None]:
        lab.said.append(f"lease {[str(one['pid']) for one in undo]}")
        yield
        lab.said.append("healed")

    def wait(seconds: float) -> None:
        lab.said.append(f"wait {seconds:g}")

    def began() -> None:
        lab.began.append(list(lab.said))

    return Stage("native", chosen, lab, for_s, lease, wait, began=began), lab


def bounds(expected: Sequence[Any]) -> dict[str, tuple[float | None, float | None]]:
    """Return the bounds of predictions by figure."""
    return {one.figure: (one.least, one.most) for one in expected}
