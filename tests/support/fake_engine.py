"""Engines and parts that start nothing: they record the calls, and return values set by the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lab.engines.base import Engine
from lab.engines.deployment import Deployment
from lab.engines.part import Part


class FakeEngine(Engine):
    """The verbs of an engine; `error` is raised by a run, `code` is its exit code, `lines` are the master's.

    It writes summary.md, and `files` with nothing in them.
    """

    name = "docker"
    up_already = False
    lines: tuple[str, ...] = ()
    logged: tuple[tuple[str, str], ...] = (("server", "one\ntwo\n"),)
    abandoned: tuple[str, ...] = ()
    error: BaseException | None = None
    code = 0
    files: tuple[str, ...] = ()

    def __init__(self, *_: Any) -> None:
        self.projects: list[str] = []
        self.brought_home: list[str] = []
        self.runs = Path()

    def lab(self) -> Deployment:
        raise NotImplementedError

    def lab_of_run(self, name: str, folder: Path) -> Deployment:
        raise NotImplementedError

    def running(self) -> bool:
        return self.up_already

    def run(self, name: str, relay: Callable[[str], None], folder: Path, beside: Any = None) -> int:
        self.projects.append(name)
        (folder / "summary.md").write_text("# summary\n")
        for file in self.files:
            (folder / file).touch()
        for line in self.lines:
            relay(line)
        if self.error:
            raise self.error
        return self.code

    def check(self) -> None:
        pass

    def bring_home(self) -> None:
        pass

    def remove_abandoned(self) -> list[str]:
        return list(self.abandoned)

    def up(self) -> str:
        return "http://127.0.0.1:8089"

    def down(self) -> bool:
        return self.up_already

    def status(self) -> list[str]:
        return ["server running"] if self.up_already else []

    def logs(self) -> list[tuple[str, str]]:
        return list(self.logged)

    def setup(self) -> None:
        pass

    def clean(self) -> list[str]:
        return ["container server"]


class FakeNative(FakeEngine):
    """The engine of local processes, with nothing to clean."""

    name = "native"

    def status(self) -> list[str]:
        return []

    def clean(self) -> list[str]:
        return []


class FakePart(Part):
    """A part that has ended with a code, or runs (None)."""

    def __init__(self, role: str, code: int | None = None, log: str = "") -> None:
        self.name = f"{role}-1"
        self.role = role
        self.code = code
        self.text = log

    def exit_code(self) -> int | None:
        return self.code

    def log(self) -> str:
        return self.text

    def output(self) -> Iterator[bytes]:
        yield self.text.encode()

    def problem(self) -> str:
        return "" if self.code is None else f"{self.name} ended with {self.code}"
