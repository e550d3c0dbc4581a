"""What an engine is: containers and local processes behind one interface.

An `Engine` does what the verbs of the command ask for. It runs a `Deployment`, one server, master and workers, whose
`Part`s are containers or processes. What does not depend on the engine is written here once: the order of the steps,
the check of the ports, the wait for the page, and how a part that refused a setting is recognised.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from lab import page
from lab.engines.follow import follow
from lab.engines.journal import Journal
from lab.engines.part import Part
from lab.errors import LabError, finish_despite_interrupt, usage_error
from lab.progress import say, step
from lab.settings import ROOT, Settings
from lab.waiting import wait_for

PAGE_S = 90.0


class Deployment(ABC):
    """One server, one master and any number of workers, from their start to their end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def parts(self) -> Sequence[Part]:
        """Return the parts that are there."""

    def prepare(self) -> None:
        """Make ready what a start needs, such as images."""
        return

    def published_ports(self) -> set[int]:
        """Return the ports of 127.0.0.1 that its parts use."""
        return set()

    @abstractmethod
    def start(self) -> None:
        """Start all parts. Raises UsageError if one refused a setting, LabError if one failed."""

    @abstractmethod
    def stop(self) -> None:
        """Stop and remove all parts; without any, do nothing."""

    def make_way(self) -> None:
        """Stop what an earlier start has left, where a new start does not replace it."""
        return

    def abandon(self) -> None:
        """Remove the parts of a start that failed, where nobody looks at them any more."""
        return

    def collect(self, folder: Path) -> None:
        """Put logs and artefacts into `folder`, where they are not written there in the first place."""
        return

    def look(self) -> None:
        """Tell the master of parts that have ended, see lab_facts.py; called again and again while a run goes on."""
        return

    def keep_logs(self) -> None:
        """After the stop, write logs that were not on the disk so far. Raises LabError if that fails."""
        return

    def logs(self) -> list[tuple[str, str]]:
        """Return name and log of each part."""
        return [(part.name, part.log()) for part in self.parts()]

    def check_settings(self, *roles: str) -> None:
        """Raise UsageError, with its own line, if a part (of these roles) refused a setting."""
        for part in self.parts():
            if (not roles or part.role in roles) and part.refused_a_setting():
                raise usage_error(part.role, part.log())

    def failure(self) -> str:
        """Say what is wrong with the first part that failed, ""; UsageError if one refused a setting."""
        self.check_settings()
        return next(filter(None, (part.problem() for part in self.parts())), "")

    def evidence(self) -> str:
        """Return the log of the first part that failed and said something."""
        return next(filter(None, (part.log() for part in self.parts() if part.has_failed())), "")

    def wait(self, what: str, ready: Callable[[], bool], timeout: float = PAGE_S) -> None:
        """Wait until `ready()`; LabError if a part fails before, or time runs out."""
        wait_for(what, ready, timeout, self.failure, self.evidence)


class Engine(ABC):
    """A way to run labs."""

    name: ClassVar[str]
    poll_s: ClassVar[float] = 0.2

    def __init__(self, settings: Settings, folder: Path = ROOT / ".lab") -> None:
        self.settings = settings
        self.journal = Journal(folder / "runs", self.name)

    @abstractmethod
    def lab(self) -> Deployment:
        """Return the lab that `up` starts and `down` stops, whether it is there or not."""

    @abstractmethod
    def lab_of_run(self, name: str, folder: Path) -> Deployment:
        """Return a new lab for one run, with artefacts in `folder`."""

    @abstractmethod
    def status(self) -> list[str]:
        """Return one line for each part that is there."""

    @abstractmethod
    def clean(self) -> list[str]:
        """Remove everything that the engine has of any lab; gives the names."""

    def setup(self) -> None:
        """Make ready what a start needs."""
        self.lab().prepare()

    def up(self) -> str:
        """Start the lab and give the page's address; a lab that runs already is replaced."""
        lab = self.lab()
        lab.make_way()
        self._check_ports(lab.published_ports())
        lab.prepare()
        address, workers = f"http://127.0.0.1:{self.settings['PAGE_PORT']}", self.settings.workers
        try:
            with step(f"Starting {self.settings.parts}"):
                lab.start()
                lab.wait(f"the page at {address}", lambda: page.workers(address) >= workers)
        except BaseException:
            lab.abandon()
            raise
        return address

    def down(self) -> bool:
        """Stop the lab that `up` started. False if there was none."""
        there = self.running()
        self.lab().stop()
        return there

    def running(self) -> bool:
        """Whether a lab that `up` started is there."""
        return bool(self.lab().parts())

    def logs(self) -> list[tuple[str, str]]:
        """Return name and log of each part that `up` started."""
        return self.lab().logs()

    def run(self, name: str, relay: Callable[[str], None], folder: Path) -> int:
        """Run headless in a lab of its own, artefacts into `folder`; gives the exit code of the run.

        `relay` is given each line of the master, in another thread.
        """
        lab = self.lab_of_run(name, folder)
        lab.prepare()
        self.journal.begin(name, folder)
        try:
            with step(f"Starting {self.settings.parts}"):
                lab.start()
            return follow(lab.parts(), relay, lab.check_settings, self.settings, self.poll_s, lab.look)
        finally:
            self._end_run(name, lab, folder)

    def remove_abandoned(self) -> list[str]:
        """Remove what runs have left whose lab was killed, and keep their artefacts; return their names."""
        removed = []
        for name, folder in [(entry.name, entry.artefacts) for entry in self.journal.abandoned()]:
            try:
                self._end_run(name, self.lab_of_run(name, folder), folder)
                removed.append(name)
            except LabError as error:  # another call may be removing it at the same time
                say(f"{name}, whose lab was killed, could not be removed: {error}")
        return removed

    def _end_run(self, name: str, lab: Deployment, folder: Path) -> None:
        try:
            lab.collect(folder)
        finally:
            finish_despite_interrupt(lab.stop)
            self.journal.end(name)
            lab.keep_logs()

    def _check_ports(self, own: set[int]) -> None:
        names = ("PAGE_PORT",) if self.settings["TARGET"] else ("PAGE_PORT", "SERVER_PORT")
        for name in names:
            if int(self.settings[name]) not in own:
                page.check_free(name, self.settings[name])
