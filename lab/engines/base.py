"""What an engine is: containers and local processes behind one interface.

An `Engine` does what the verbs of the command ask for. It runs a `Deployment`, one server, master and workers, whose
`Part`s are containers or processes. What does not depend on the engine is written here once: the order of the steps,
the check of the ports, the wait for the page, and how a part that refused a setting is recognised.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from lab import folders, page_client
from lab.engines import identity
from lab.engines.deployment import PAGE_S, Deployment
from lab.engines.follow import follow
from lab.engines.journal import Entry, Journal
from lab.engines.up_record import UpRecord
from lab.errors import (
    EXIT_USAGE,
    Interrupted,
    LabError,
    UsageError,
    finish_despite_interrupt,
    last_lines,
    writing,
)
from lab.progress import say, step
from lab.reports import origin
from lab.settings import Settings, yes
from lab.user_server import settings as user_server

# Locust's states of a run that `up` would cut short.
UNDER_WAY = ("spawning", "running", "stopping")


def _write_logs(folder: Path, logs: Sequence[tuple[str, str]]) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in logs:
            (folder / f"{name}.log").write_text(text)


def _in_words(state: Mapping[str, Any]) -> str:
    return f"{state['state']}, {state['users']:,} users, {state['held']:,} held"


class Engine(ABC):
    """A way to run labs."""

    name: ClassVar[str]
    poll_s: ClassVar[float] = 0.2
    #: What the engine knew of the parts of a run, or of the lab that runs were brought from.
    about: Mapping[str, Any] = MappingProxyType({})
    #: The settings that the lab was given whose runs were brought home.
    given: Mapping[str, str] = MappingProxyType({})

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        self.settings = settings
        self.folder = folder = folder or folders.work() / ".lab"
        self.journal = Journal(folder / "runs", self.name)
        self.record = UpRecord(folder / "up" / f"{identity.project()}-{self.name}.json")
        self.runs = folder.parent / "runs"
        self.brought_home: list[str] = []  # folders below `runs` that this call has brought from the lab

    @abstractmethod
    def lab(self) -> Deployment:
        """Return the lab that `up` starts and `down` stops, whether it is there or not."""

    @abstractmethod
    def lab_of_run(self, name: str, folder: Path) -> Deployment:
        """Return a new lab for one run, with artefacts in `folder`."""

    def others(self) -> list[str]:
        """Return a line for each lab that is not of this folder."""
        return []

    @abstractmethod
    def clean(self) -> list[str]:
        """Remove everything that the engine has of this folder's labs; gives the names."""

    def check(self) -> None:
        """Raise UsageError for a setting that this engine can't follow."""
        if network := self.settings["NETWORK"]:
            raise UsageError(f"NETWORK={network} is a network of containers, and these are local processes: omit it")

    def setup(self) -> None:
        """Make ready what a start needs."""
        self.lab().prepare()

    def up(self) -> str:
        """Start the lab and give the page's address; a lab that runs already is replaced.

        Raises UsageError if a run is under way there, unless REPLACE says that it may end.
        """
        lab = self.lab()
        if self.running():
            self._check_replaceable()
            self.bring_home()
        lab.make_way()
        self._check_ports(lab.published_ports())
        lab.prepare()
        address, workers = self.settings.page, self.settings.workers
        self.record.write(self.settings, origin.given(self.settings, os.environ))
        try:
            with step(f"Starting {self.settings.parts}"):
                lab.start()
                lab.wait(f"the page at {address}", lambda: page_client.workers(address) >= workers, self._page_s())
        except Interrupted:
            finish_despite_interrupt(lab.stop)
            self.record.forget()
            raise
        except BaseException:
            lab.abandon()
            raise
        return address

    def down(self) -> bool:
        """Stop the lab that `up` started, and keep the artefacts of its runs. False if there was none."""
        there = self.running()
        self.bring_home()  # if that fails, the lab stays, and so do the files
        self.lab().stop()
        self.record.forget()
        return there

    def bring_home(self) -> None:
        """End a run from the page, and copy the artefacts of all that are not in `runs` yet."""
        if self.running():
            self._take_runs(self.lab(), end=True)

    def status(self) -> list[str]:
        """Return what is there: the page's address, each part's health, runs, and labs of other folders."""
        lab = self.lab()
        found = list(lab.parts())
        lines = [self._page_line()] if found else []
        parts = [(part.name, part.state()) for part in found]
        parts += [(name, "has ended") for name in (lab.ended() if found else [])]
        width = max((len(name) for name, _ in parts), default=0)
        lines += [f"{name:<{width}}  {state}" for name, state in parts]
        lines += [f"{entry.name}: a run is under way" for entry in self.journal.entries() if not entry.abandoned]
        down = folders.command("down")
        killed = f"its lab was killed; `{down}` removes what is left of it and keeps its files"
        lines += [f"{entry.name}: {killed}" for entry in self.abandoned()]
        self._take_runs(lab)
        return lines + self.others()

    def _page_line(self) -> str:
        address = self._page()
        found = page_client.state(address)
        if found is None:
            return f"The page at {address} does not answer."
        return f"The lab is up ({self.name}): {address} ({_in_words(found)})"

    def _page(self) -> str:
        return Settings({**self.settings.values, **self.record.read()}, frozenset()).page

    def _check_replaceable(self) -> None:
        found = page_client.state(self._page())
        if found and found["state"] in UNDER_WAY and not yes(self.settings["REPLACE"]):
            raise UsageError(
                f"a run is under way at {self._page()} ({_in_words(found)}), and `up` would end it: "
                "stop it there, or add REPLACE=yes"
            )

    def _take_runs(self, lab: Deployment, *, end: bool = False) -> None:
        """Copy the artefacts of runs from the page that are not in `runs` yet, with the logs so far."""
        names = lab.bring_home(self.runs, self.record.brought(), end=end)
        if names:
            self.about, self.given = lab.about(), self.record.given()
            logs = lab.logs()
            for name in names:
                _write_logs(self.runs / name / "logs", logs)
            self.record.note_brought(names)
        self.brought_home += names
        for name in names:
            say(f"Artefacts of a run from the page: runs/{name}/")

    def running(self) -> bool:
        """Whether a lab that `up` started is there."""
        return bool(self.lab().parts())

    def logs(self) -> list[tuple[str, str]]:
        """Return name and log of each part that `up` started."""
        return self.lab().logs()

    def run(
        self,
        name: str,
        relay: Callable[[str], None],
        folder: Path,
        beside: Callable[[Deployment], AbstractContextManager[None]] = lambda lab: nullcontext(),
    ) -> int:
        """Run headless in a lab of its own, artefacts into `folder`; gives the exit code of the run.

        `relay` is given each line of the master, in another thread. `beside` goes on while the run does.
        """
        lab = self.lab_of_run(name, folder)
        lab.prepare()
        self.journal.begin(name, folder)
        try:
            with step(f"Starting {self.settings.parts}"):
                lab.start()
            with beside(lab):
                code = follow(lab.parts(), relay, lab.check_start, self.settings, self.poll_s, lab.look)
            if code == EXIT_USAGE and (log := last_lines(lab.server_log())):
                say(log)
            return code
        finally:
            self._end_run(name, lab, folder)

    def abandoned(self) -> list[Entry]:
        """Return the runs whose lab has ended before it could remove them."""
        return self.journal.abandoned()

    def remove_abandoned(self) -> list[str]:
        """Remove what runs have left whose lab was killed, and keep their artefacts; return their names."""
        removed = []
        for name, folder in [(entry.name, entry.artefacts) for entry in self.abandoned()]:
            try:
                self._end_run(name, self.lab_of_run(name, folder), folder)
                removed.append(name)
            except LabError as error:  # another call may be removing it at the same time
                say(f"{name}, whose lab was killed, could not be removed: {error}")
        return removed

    def _end_run(self, name: str, lab: Deployment, folder: Path) -> None:
        try:
            self.about = lab.about()
            lab.collect(folder)
        finally:
            finish_despite_interrupt(lab.stop)
            self.journal.end(name)
            lab.keep_logs()

    def _page_s(self) -> float:
        return PAGE_S + (user_server.wait_s(self.settings.values) if self.settings.user_server else 0)

    def _check_ports(self, own: set[int]) -> None:
        listens = self.settings["TARGET"] or (self.name == "native" and user_server.listen(self.settings.values)[0])
        names = ("PAGE_PORT",) if listens else ("PAGE_PORT", "SERVER_PORT")
        if len({int(self.settings[name]) for name in names}) < len(names):
            raise UsageError(f"PAGE_PORT and SERVER_PORT are both {self.settings['PAGE_PORT']}: each needs its own")
        for name in names:
            if int(self.settings[name]) not in own:
                host = self.settings["PAGE_HOST"] if name == names[0] else ""
                page_client.check_free(name, self.settings[name], host)
